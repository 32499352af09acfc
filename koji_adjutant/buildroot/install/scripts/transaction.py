"""One rpm transaction: what is installed and what is erased; runs as root in the installer container.

Arguments: ROOT PACKAGES FORCED [NEVRA ...]
ROOT is the root, PACKAGES a directory with the packages to install, FORCED is not empty when packages are taken
whatever their architecture is; packages of the given NEVRAs are erased. Packages were verified before. Everything
said goes to root.log, errors in rpm's own words. Exit codes: 0 done, 1 something was not.
"""

import os
import stat
import sys

import rpm

SHARED = ("/proc", "/sys", "/dev")
"""What the root has mounted."""
UNVERIFIED = rpm._RPMVSF_NODIGESTS | rpm._RPMVSF_NOSIGNATURES
FIELDS = "%{name}\n%{epochnum}\n%{version}\n%{release}\n%{arch}"


def say(text):
    """A line for root.log, in its place among those of rpm and of scriptlets."""
    print(text, flush=True)


def package_of(header):
    """name-[epoch:]version-release.arch."""
    name, epoch, version, release, arch = header.sprintf(FIELDS).split("\n")
    return "%s-%s%s-%s.%s" % (name, "" if epoch == "0" else epoch + ":", version, release, arch)


def kind_of(header):
    """Name and architecture."""
    return header.sprintf("%{name}.%{arch}")


def text_of(value):
    """rpm before 4.15 gives bytes."""
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value


def read_headers(paths):
    """(path, header) of each package; the header is None when it is none, which is told."""
    reader = rpm.TransactionSet()
    reader.setVSFlags(UNVERIFIED)
    return [(path, read_header(reader, path)) for path in paths]


def read_header(reader, path):
    """The header of one package."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return reader.hdrFromFdno(descriptor)
    except rpm.error as error:
        say("error: %s: %s" % (path, error))
    finally:
        os.close(descriptor)
    return None


class Transaction:
    """All that one run of this program does; macros that are defined later mean nothing to it."""

    def __init__(self, root, forced):
        self.set = rpm.TransactionSet(root)
        self.set.setVSFlags(UNVERIFIED)
        self.set.setFlags(rpm.RPMTRANS_FLAG_NOPLUGINS | rpm.RPMTRANS_FLAG_NOFILEDIGEST)
        filters = rpm.RPMPROB_FILTER_OLDPACKAGE | rpm.RPMPROB_FILTER_REPLACEPKG
        self.set.setProbFilter(filters | (rpm.RPMPROB_FILTER_IGNOREARCH if forced else 0))
        self.files = {}
        self.count = self.number = 0

    def add(self, to_install, erased):
        """Add everything; False when something that is to be erased is not there."""
        installed = [(package_of(header), header) for header in self.set.dbMatch()]
        missing = erased - {package for package, _ in installed}
        for package in sorted(missing):
            say("error: package %s, which is to be erased, is not installed" % package)
        stay = {kind_of(header) for package, header in installed if package not in erased}
        for path, header in to_install:
            # A package of which another version stays is none that replaces it.
            self.set.addInstall(header, (path, package_of(header)), "i" if kind_of(header) in stay else "u")
            stay.add(kind_of(header))
        to_erase = [header for package, header in installed if package in erased]
        for header in to_erase:
            self.set.addErase(header)
        self.count = len(to_install) + len(to_erase)
        return not missing

    def run(self):
        """Whether everything was done."""
        # The parent's own method makes tuples of problems, for which their texts have to have three words.
        super(rpm.TransactionSet, self.set).check()
        if self.tell_problems("error: Failed dependencies:"):
            return False
        self.set.order()
        self.set.clean()
        done = self.set.run(self.progress, None) is None
        if not done:
            self.tell_problems("error: the packages cannot be installed:")
        return done

    def tell_problems(self, heading):
        """Whether there are any."""
        problems = [str(problem) for problem in self.set.problems()]
        if problems:
            say("\n\t".join([heading, *problems]))
        return bool(problems)

    def progress(self, what, _amount, _total, key, _data):
        """rpm's callback: a package is named before anything of it runs."""
        if what == rpm.RPMCALLBACK_INST_OPEN_FILE:
            path, package = key
            self.tell("installing", package)
            self.files[path] = os.open(path, os.O_RDONLY)
            return self.files[path]
        if what == rpm.RPMCALLBACK_INST_CLOSE_FILE:
            os.close(self.files.pop(key[0]))
        elif what == rpm.RPMCALLBACK_UNINST_START:
            self.tell("erasing", str(key))
        return None

    def tell(self, what, package):
        """A line of progress."""
        self.number += 1
        say("%d/%d %s %s" % (self.number, self.count, what, package))


def device_nodes(header):
    """The device nodes of a package, which is told; those where something is mounted are no news."""
    modes = header[rpm.RPMTAG_FILEMODES] or ()
    if not any(is_device(mode) for mode in modes):
        return
    for path, mode in zip(header[rpm.RPMTAG_FILENAMES], modes):
        name = text_of(path)
        if is_device(mode) and not name.startswith(tuple(shared + "/" for shared in SHARED)):
            say("warning: %s of %s is a device node: it is not made" % (name, package_of(header)))
            yield name


def is_device(mode):
    """rpm's modes have 16 bits, with or without a sign."""
    return stat.S_ISCHR(mode & 0xFFFF) or stat.S_ISBLK(mode & 0xFFFF)


def main(root, packages, forced, *erased):
    """An exit code."""
    paths = [os.path.join(packages, name) for name in sorted(os.listdir(packages)) if name.endswith(".rpm")]
    to_install = read_headers(paths)
    if not all(header for _, header in to_install):
        return 1
    # What the root has mounted is left alone, and so are device nodes, which nobody may make here.
    shared = [*SHARED, *(name for _, header in to_install for name in device_nodes(header))]
    rpm.addMacro("_netsharedpath", ":".join(shared).replace("%", "%%"))
    # rpm's unshare plugin wants a privilege that this container does not have.
    rpm.addMacro("__transaction_unshare", "%{nil}")
    rpm.addMacro("_pkgverify_level", "none")
    rpm.addMacro("_pkgverify_flags", str(UNVERIFIED))
    transaction = Transaction(root, forced)
    return 0 if transaction.add(to_install, set(erased)) and transaction.run() else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
