"""Solve and fetch with dnf 4; runs in the solver container with the task image's own Python.

Argument: a JSON object with
    baseurls, arch, root, cache (a directory for metadata and packages), scratch (a directory of this run),
    install: {"group": NAME} or {"source": PATH of a source package} or {"requires": [capability, ...]}
    and optionally proxy, releasever, best, module_hotfixes, cacert.
Prints a JSON object {"install": [...], "remove": [NEVRA, ...]}, an entry of install being
    {name, epoch, version, release, arch, size, checksum: [kind, hex], file: path relative to cache}.
What a user should read goes to standard error. Exit codes: 0 solved and fetched, 3 cannot be solved, 4 cannot be
fetched, anything else is an error of the program.
"""

import json
import logging
import os
import sys

import dnf
import dnf.exceptions
import dnf.rpm
import rpm

UNSOLVABLE, UNFETCHED = 3, 4


def say(text):
    """A line for root.log."""
    print(text, file=sys.stderr, flush=True)


def make_base(task):
    """dnf with one repo, the task's own, and nothing of the image's configuration."""
    base = dnf.Base()
    conf = base.conf
    conf.installroot = task["root"]
    conf.cachedir = os.path.join(task["cache"], "metadata")
    conf.persistdir = os.path.join(task["scratch"], "persist")
    conf.logdir = os.path.join(task["scratch"], "log")
    conf.reposdir = ["/dev/null"]
    conf.varsdir = ["/dev/null"]
    conf.pluginconfpath = []
    conf.gpgcheck = False
    conf.assumeyes = True
    conf.install_weak_deps = False
    conf.obsoletes = True
    conf.strict = True
    conf.keepcache = True
    conf.zchunk = False
    conf.substitutions["arch"] = task["arch"]
    conf.substitutions["basearch"] = dnf.rpm.basearch(task["arch"])
    conf.substitutions["releasever"] = task.get("releasever") or "1"
    if task.get("best") is not None:
        conf.best = task["best"]
    os.makedirs(conf.logdir, exist_ok=True)
    options = {"retries": 20, "skip_if_unavailable": False, "gpgcheck": False, "metadata_expire": 3600}
    if task.get("proxy"):
        options["proxy"] = task["proxy"]
    if task.get("cacert"):
        options["sslcacert"] = task["cacert"]
    if task.get("module_hotfixes") is not None:
        options["module_hotfixes"] = task["module_hotfixes"]
    base.repos.add_new_repo("build", conf, baseurl=task["baseurls"], **options)
    return base


def log_to_file(directory):
    """dnf.log of this run."""
    handler = logging.FileHandler(os.path.join(directory, "dnf.log"))
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    dnf_logger = logging.getLogger("dnf")
    dnf_logger.setLevel(logging.DEBUG)
    dnf_logger.addHandler(handler)


def source_requires(path):
    """The dependencies of a source package as rpm writes them, without rpmlib()."""
    transaction = rpm.TransactionSet()
    transaction.setVSFlags(rpm._RPMVSF_NOSIGNATURES | rpm._RPMVSF_NODIGESTS)
    with open(path, "rb") as package:
        header = transaction.hdrFromFdno(package.fileno())
    found = []
    for name, flags, version in zip(
        header[rpm.RPMTAG_REQUIRENAME], header[rpm.RPMTAG_REQUIREFLAGS], header[rpm.RPMTAG_REQUIREVERSION]
    ):
        if flags & rpm.RPMSENSE_RPMLIB:
            continue
        relation = "".join(
            sign
            for bit, sign in ((rpm.RPMSENSE_LESS, "<"), (rpm.RPMSENSE_GREATER, ">"), (rpm.RPMSENSE_EQUAL, "="))
            if flags & bit
        )
        found.append("%s %s %s" % (name, relation, version) if relation else name)
    return found


def want_group(base, name):
    """Mark a comps group for installation; its mandatory and default packages, as `dnf install @name` does."""
    base.read_comps(arch_filter=True)
    group = base.comps.group_by_pattern(name)
    if group is None:
        say("No group %s in the repo's comps." % name)
        return False
    base.group_install(group.id, ("mandatory", "default", "conditional"))
    return True


def want_requires(base, requires):
    """Mark whatever provides `requires`."""
    complete = True
    for requirement in requires:
        if requirement.startswith("("):
            query = base.sack.query().filter(provides=requirement)
        else:
            query = dnf.subject.Subject(requirement, ignore_case=False).get_best_query(
                base.sack, with_nevra=False, with_provides=True, with_filenames=requirement.startswith("/")
            )
        if not query:
            say("No matching package to install: '%s'" % requirement)
            complete = False
            continue
        if query.installed():
            continue
        selector = dnf.selector.Selector(base.sack)
        selector.set(pkg=query)
        base.goal.install(select=selector, optional=False)
    return complete


def mark(base, install):
    """Mark what the task wants; whether everything was found."""
    if "group" in install:
        return want_group(base, install["group"])
    return want_requires(base, install.get("requires") or source_requires(install["source"]))


def package_entry(package, task):
    """What the daemon has to know of a package; where its file will be in the cache."""
    kind, checksum = package.returnIdSum()
    return {
        "name": package.name,
        "epoch": int(package.epoch),
        "version": package.version,
        "release": package.release,
        "arch": package.arch,
        "size": package.downloadsize,
        "checksum": [kind, checksum],
        "file": os.path.join("packages", checksum[:2], checksum, os.path.basename(package.location)),
    }


def is_present(entry, task):
    """A file of the right size is there; the daemon checks its content."""
    try:
        return os.stat(os.path.join(task["cache"], entry["file"])).st_size == entry["size"]
    except FileNotFoundError:
        return False


def fetch(base, packages, task):
    """Bring missing files into the cache, each at once under its final name."""
    entries = [(package, package_entry(package, task)) for package in packages]
    missing = [(package, entry) for package, entry in entries if not is_present(entry, task)]
    if missing:
        download = os.path.join(task["cache"], "partial", os.path.basename(task["scratch"]))
        os.makedirs(download, exist_ok=True)
        base.repos["build"].pkgdir = download
        base.download_packages([package for package, _ in missing])
        for package, entry in missing:
            final = os.path.join(task["cache"], entry["file"])
            os.makedirs(os.path.dirname(final), exist_ok=True)
            os.rename(package.localPkg(), final)
        os.rmdir(download)
    say("%d packages, %d of them fetched" % (len(entries), len(missing)))
    return [entry for _, entry in entries]


def has_packages(root):
    """Whether the root has an RPM database; an empty root is mounted read-only too, and none can be made in it."""
    return any(os.path.isdir(os.path.join(root, path)) for path in ("usr/lib/sysimage/rpm", "var/lib/rpm"))


def solve(task):
    """The whole run; an exit code."""
    base = make_base(task)
    log_to_file(base.conf.logdir)
    try:
        base.fill_sack(load_system_repo=has_packages(task["root"]))
    except dnf.exceptions.RepoError as error:
        say("The repo cannot be read: %s" % error)
        return UNFETCHED
    try:
        if not mark(base, task["install"]):
            return UNSOLVABLE
        base.resolve(allow_erasing=True)
    except dnf.exceptions.Error as error:
        say(str(error))
        return UNSOLVABLE
    for item in base.transaction:
        say("%-10s %s" % (item.action_name, item.pkg))
    try:
        entries = fetch(base, base.transaction.install_set, task)
    except dnf.exceptions.Error as error:
        say("Packages cannot be fetched: %s" % error)
        return UNFETCHED
    json.dump({"install": entries, "remove": [nevra(package) for package in base.transaction.remove_set]}, sys.stdout)
    return 0


def nevra(package):
    """name-[epoch:]version-release.arch."""
    epoch = "%s:" % package.epoch if package.epoch else ""
    return "%s-%s%s-%s.%s" % (package.name, epoch, package.version, package.release, package.arch)


if __name__ == "__main__":
    sys.exit(solve(json.loads(sys.argv[1])))
