"""Solve with dnf 4; runs in the solver container with the task image's own Python, without network.

Argument: a file with a JSON object:
    metadata: a directory with the repo's repodata; solver_caches: a directory with dnf's own caches of it, or ""
    arch, root, scratch (a directory of this run)
    install: {"group": NAME} or {"requires": [capability, ...]} or {"source": PATH of a source package}
    releasever, best (true, false or null), module_hotfixes (the same), modules: [[action, spec], ...]
Writes into scratch answer.json, an object {"install": [...], "remove": [NEVRA, ...], "problem": text}, an entry of
install being {name, epoch, version, release, arch, size, checksum: [kind, hex], location, base}; and caches that
were made anew into scratch/cache.
What a user should read goes to standard error. Exit codes: 0 solved, 3 cannot be solved, 4 the metadata cannot be
used, anything else is an error of the program.
"""

import json
import logging
import os
import re
import sys

import dnf
import dnf.exceptions
import dnf.module.module_base
import dnf.rpm
import hawkey
import rpm

UNSOLVABLE, UNUSABLE = 3, 4
REPO = "build"
IN_PRIMARY = re.compile(r"/etc/|.*bin/|/usr/lib/sendmail$")
"""Paths that createrepo_c writes into primary metadata."""
ODD_PATHS = "odd-paths.json"
"""File beside dnf's caches: whether packages of the repo depend on files that primary metadata does not have."""


class Unsolvable(Exception):
    """The text says why."""


class Base(dnf.Base):
    """dnf that loads file lists only when a solution may depend on them, and nothing else that is optional."""

    with_filelists = False

    def _add_repo_to_sack(self, repo):
        repo.load()
        self._sack.load_repo(repo._repo, build_cache=True, load_filelists=self.with_filelists)


def say(text):
    """A line for root.log."""
    print(text, file=sys.stderr, flush=True)


def make_base(task):
    """dnf with one repo, the task's own, and nothing of the image's configuration."""
    base = Base()
    conf = base.conf
    conf.installroot = task["root"]
    conf.cachedir = os.path.join(task["scratch"], "cache")
    conf.persistdir = os.path.join(task["scratch"], "persist")
    conf.logdir = os.path.join(task["scratch"], "log")
    conf.reposdir = ["/dev/null"]
    conf.varsdir = ["/dev/null"]
    conf.pluginconfpath = []
    conf.gpgcheck = False
    conf.install_weak_deps = False
    conf.obsoletes = True
    conf.strict = True
    conf.substitutions["arch"] = task["arch"]
    conf.substitutions["basearch"] = dnf.rpm.basearch(task["arch"])
    conf.substitutions["releasever"] = task["releasever"] or "1"
    if task["best"] is not None:
        conf.best = task["best"]
    for directory in (conf.installroot, conf.cachedir, conf.logdir):
        os.makedirs(directory, exist_ok=True)
    options = {"skip_if_unavailable": False, "gpgcheck": False, "metadata_expire": -1}
    if task["module_hotfixes"] is not None:
        options["module_hotfixes"] = task["module_hotfixes"]
    repo = base.repos.add_new_repo(REPO, conf, baseurl=["file://" + task["metadata"]], **options)
    use_caches(repo, task)
    return base


def use_caches(repo, task):
    """Have dnf find metadata and caches that are there already: it would only copy and make them again."""
    link_files(os.path.join(task["metadata"], "repodata"), os.path.join(repo._repo.getCachedir(), "repodata"))
    if task["solver_caches"]:
        link_files(task["solver_caches"], os.path.join(task["scratch"], "cache"))


def link_files(source, target):
    """A symbolic link in `target` for everything in `source`; dnf also writes beside them."""
    os.makedirs(target, exist_ok=True)
    for name in os.listdir(source):
        os.symlink(os.path.join(source, name), os.path.join(target, name))


def log_to_file(directory):
    """dnf.log of this run."""
    handler = logging.FileHandler(os.path.join(directory, "dnf.log"))
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    dnf_logger = logging.getLogger("dnf")
    dnf_logger.setLevel(logging.DEBUG)
    dnf_logger.addHandler(handler)


def has_packages(root):
    """Whether the root has an RPM database."""
    return any(os.path.isdir(os.path.join(root, path)) for path in ("usr/lib/sysimage/rpm", "var/lib/rpm"))


def load(base, task):
    """Read the metadata, with file lists if a solution may depend on them."""
    installed = has_packages(task["root"])
    known = os.path.join(task["scratch"], "cache", ODD_PATHS)
    wanted = any("/" in text and not IN_PRIMARY.match(text) for text in task["install"].get("requires", ()))
    if os.path.exists(known):
        with open(known) as file:
            base.with_filelists = wanted or json.load(file)
        base.fill_sack(load_system_repo=installed)
        return
    base.fill_sack(load_system_repo=installed)
    odd = has_odd_paths(base)
    with open(known, "w") as file:
        json.dump(odd, file)
    if wanted or odd:
        base.with_filelists = True
        base.fill_sack(load_system_repo=installed)


def has_odd_paths(base):
    """Whether a package of the repo names a file, in a dependency, that primary metadata does not have."""
    query = base.sack.query().available()
    for packages in (query.filter(requires__glob="*/*"), query.filter(conflicts__glob="*/*")):
        for package in packages:
            for relation in list(package.requires) + list(package.conflicts):
                text = str(relation)
                if "/" in text and any(
                    word.startswith("/") and not IN_PRIMARY.match(word) for word in re.split(r"[\s()]+", text)
                ):
                    say("File lists are needed: %s wants %s" % (package, text))
                    return True
    return False


def set_up_modules(base, commands, solves_group):
    """What mock does with module_setup_commands before it installs anything."""
    modules = dnf.module.module_base.ModuleBase(base)
    for action, spec in commands:
        specs = [part.strip() for part in spec.split(",") if part.strip()]
        say("module %s %s" % (action, " ".join(specs)))
        try:
            if action == "install" and not solves_group:
                # Its packages are in the root already.
                modules.enable([one.split("/")[0] for one in specs])
            else:
                getattr(modules, action)(specs)
        except dnf.exceptions.Error as error:
            raise Unsolvable("module %s %s: %s" % (action, spec, error)) from error


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
            for bit, sign in (
                (rpm.RPMSENSE_LESS, "<"),
                (rpm.RPMSENSE_GREATER, ">"),
                (rpm.RPMSENSE_EQUAL, "="),
            )
            if flags & bit
        )
        found.append("%s %s %s" % (name, relation, version) if relation else name)
    return found


def want_group(base, name):
    """Mark a comps group for installation; its mandatory and default packages, as `dnf install @name` does."""
    base.read_comps(arch_filter=True)
    group = base.comps.group_by_pattern(name)
    if group is None:
        raise Unsolvable("No group %s in the repo's comps." % name)
    base.group_install(group.id, ("mandatory", "default", "conditional"))


def want_requires(base, requires):
    """Mark whatever provides `requires`."""
    missing = []
    for requirement in requires:
        if requirement.startswith("("):
            query = base.sack.query().filter(provides=requirement)
        else:
            query = dnf.subject.Subject(requirement, ignore_case=False).get_best_query(
                base.sack, with_nevra=False, with_provides=True, with_filenames=requirement.startswith("/")
            )
        if not query:
            missing.append("No matching package to install: '%s'" % requirement)
            continue
        if query.installed():
            continue
        selector = dnf.selector.Selector(base.sack)
        selector.set(pkg=query)
        base.goal.install(select=selector, optional=False)
    if missing:
        raise Unsolvable("\n".join(missing))


def package_entry(package):
    """What the daemon has to know of a package."""
    kind, checksum = package.returnIdSum()
    return {
        "name": package.name,
        "epoch": int(package.epoch),
        "version": package.version,
        "release": package.release,
        "arch": package.arch,
        "size": package.downloadsize,
        "checksum": [kind, checksum],
        "location": package.location,
        "base": package.baseurl or "",
    }


def nevra(package):
    """name-[epoch:]version-release.arch."""
    epoch = "%s:" % package.epoch if package.epoch else ""
    return "%s-%s%s-%s.%s" % (package.name, epoch, package.version, package.release, package.arch)


def solve(task):
    """The whole run: the answer."""
    base = make_base(task)
    log_to_file(base.conf.logdir)
    load(base, task)
    install = task["install"]
    try:
        set_up_modules(base, task["modules"], "group" in install)
        if "group" in install:
            want_group(base, install["group"])
        else:
            want_requires(base, install["requires"])
        base.resolve(allow_erasing=True)
    except dnf.exceptions.Error as error:
        raise Unsolvable(str(error)) from error
    for item in base.transaction:
        say("%-10s %s" % (item.action_name, item.pkg))
    return {
        "install": [package_entry(package) for package in base.transaction.install_set],
        "remove": [nevra(package) for package in base.transaction.remove_set],
        "problem": "",
    }


def main(path):
    """An exit code; the answer is written in any case."""
    with open(path) as file:
        task = json.load(file)
    if "source" in task["install"]:
        task["install"] = {"requires": source_requires(task["install"]["source"])}
    code, answer = 0, {"install": [], "remove": []}
    try:
        answer = solve(task)
    except Unsolvable as error:
        code, answer["problem"] = UNSOLVABLE, str(error)
    except (dnf.exceptions.RepoError, hawkey.Exception) as error:
        code, answer["problem"] = UNUSABLE, str(error)
    if code:
        say(answer["problem"])
    with open(os.path.join(task["scratch"], "answer.json"), "w") as file:
        json.dump(answer, file)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
