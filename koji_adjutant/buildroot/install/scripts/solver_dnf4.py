"""dnf 4, on its Python API."""

import json
import logging
import os

import dnf
import dnf.exceptions
import dnf.module.module_base
import dnf.rpm
import dnf.selector
import hawkey
import libdnf
from solver_metadata import (
    UNREADABLE,  # noqa: F401 - the caller catches it
    Unsolvable,
    Unusable,
    check_expanded,
    has_packages,
    link_files,
    needs_filelists,
    say,
)

VERSION = "dnf " + dnf.const.VERSION
REPO = "build"
FULL_REPO = "build-full"
"""The repo with its file lists: dnf's caches of it are others."""
MODULE_ACTIONS = ("enable", "disable", "reset", "install")


class Base(dnf.Base):
    """dnf that loads file lists only where they are asked for, and nothing else that is optional."""

    module_root = ""
    """Where the states of modules are, in place of the root, which may be read-only."""

    def _add_repo_to_sack(self, repo):
        repo.load()
        self._sack.load_repo(repo._repo, build_cache=True, load_filelists=repo.id == FULL_REPO)

    @property
    def _moduleContainer(self):  # noqa: N802 - dnf's own name
        if self.sack._moduleContainer is None:
            self.sack._moduleContainer = libdnf.module.ModulePackageContainer(
                False, self.module_root, self.conf.substitutions["arch"], self.conf.persistdir
            )
        return self.sack._moduleContainer


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
    # Koji's configuration says `best` in the section of the repo, where dnf does not know it.
    conf.best = False
    for name, value in task["options"]["set"]:
        try:
            conf.set_or_append_opt_value(name, value)
        except dnf.exceptions.ConfigError as error:
            raise Unsolvable(str(error)) from error
    base.module_root = os.path.join(task["scratch"], "modules")
    for directory in (conf.installroot, conf.cachedir, conf.logdir, base.module_root):
        os.makedirs(directory, exist_ok=True)
    options = {"skip_if_unavailable": False, "gpgcheck": False, "metadata_expire": -1}
    options["module_hotfixes"] = task["module_hotfixes"]
    if task["solver_caches"]:
        link_files(task["solver_caches"], conf.cachedir)
    name = FULL_REPO if needs_filelists(task) else REPO
    check_expanded(os.path.join(task["metadata"], "repodata"), ("filelists",) if name == FULL_REPO else ())
    repo = base.repos.add_new_repo(name, conf, baseurl=["file://" + task["metadata"]], **options)
    # dnf would only copy them.
    link_files(os.path.join(task["metadata"], "repodata"), os.path.join(repo._repo.getCachedir(), "repodata"))
    return base


def log_to_file(directory):
    """dnf.log of this run."""
    handler = logging.FileHandler(os.path.join(directory, "dnf.log"))
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    dnf_logger = logging.getLogger("dnf")
    dnf_logger.setLevel(logging.DEBUG)
    dnf_logger.addHandler(handler)


def set_up_modules(base, task):
    """What mock does with module_setup_commands before it installs anything; the profiles to install later."""
    to_install = []
    for action, given in task["modules"]:
        specs = [part.strip() for part in given.split(",") if part.strip()]
        say("module %s %s" % (action, " ".join(specs)))
        if action not in MODULE_ACTIONS:
            raise Unsolvable("module %s: not one of %s" % (action, ", ".join(MODULE_ACTIONS)))
        # Packages of profiles are solved with the group's; later they are in the root.
        change_modules(base, "enable" if action == "install" else action, specs)
        if action == "install":
            to_install.extend(specs)
        switched = dict(base._moduleContainer.getSwitchedStreams())
        if switched:
            raise Unsolvable(
                "module %s %s: another stream of %s is enabled" % (action, given, ", ".join(switched))
            )
        # Each command sees what the ones before it have left, as if dnf had been started again.
        base._moduleContainer.save()
        base.fill_sack(load_system_repo=has_packages(task["root"]))
    return to_install


def change_modules(base, action, specs):
    """One command; a conflict among the defaults of a repo is none of its own."""
    modules = dnf.module.module_base.ModuleBase(base)
    try:
        getattr(modules, action)(specs)
    except dnf.exceptions.MarkingErrors as error:
        problems = error.module_depsolv_errors
        in_defaults = libdnf.module.ModulePackageContainer.ModuleErrorType_ERROR_IN_DEFAULTS
        if error.no_match_group_specs or error.error_group_specs or (problems and problems[1] != in_defaults):
            raise Unsolvable("module %s %s: %s" % (action, " ".join(specs), error)) from error


def want_group(base, name):
    """Mark a comps group for installation; its mandatory and default packages, as `dnf install @name` does."""
    base.read_comps(arch_filter=True)
    group = base.comps.group_by_pattern(name)
    if group is None:
        raise Unsolvable("No group %s in the repo's comps." % name)
    base.group_install(group.id, ("mandatory", "default", "conditional"))


def want_requires(base, requires):
    """Mark what provides each of `requires`, whose text is taken literally and as a whole, as `dnf builddep` does."""
    missing = [text for text in requires if not want_require(base, text)]
    if missing:
        raise Unsolvable("\n".join("No matching package to install: '%s'" % text for text in missing))


def want_require(base, text):
    """Mark one requirement; False when nothing provides it.

    What a rich requirement needs, which may be nothing, is for the solver to find out.
    """
    try:
        selector = dnf.selector.Selector(base.sack).set(provides=text)
    except hawkey.Exception as error:
        raise Unsolvable("'%s' is no requirement: %s" % (text, error)) from error
    found = selector.matches()
    if not found and text.startswith("/"):
        selector = dnf.selector.Selector(base.sack).set(file=text)
        found = selector.matches()
    if not found and not text.startswith("("):
        return False
    base.goal.install(select=selector, optional=False)
    return True


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
    """What is to be installed and erased; Unsolvable, Unusable."""
    try:
        base = solved(task)
    except (dnf.exceptions.RepoError, hawkey.Exception) as error:
        raise Unusable(str(error)) from error
    for item in base.transaction:
        say("%-10s %s" % (item.action_name, item.pkg))
    return {
        "install": [package_entry(package) for package in base.transaction.install_set],
        "remove": [nevra(package) for package in base.transaction.remove_set],
    }


def solved(task):
    """dnf with its transaction."""
    base = make_base(task)
    log_to_file(base.conf.logdir)
    base.fill_sack(load_system_repo=has_packages(task["root"]))
    install = task["install"]
    try:
        profiles = set_up_modules(base, task)
        if "group" in install:
            if profiles:
                change_modules(base, "install", profiles)
            want_group(base, install["group"])
        else:
            want_requires(base, install["requires"])
        base.resolve(allow_erasing=task["options"]["allow_erasing"])
    except dnf.exceptions.Error as error:
        raise Unsolvable(str(error)) from error
    return base
