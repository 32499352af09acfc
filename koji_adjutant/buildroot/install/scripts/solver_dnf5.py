"""dnf 5, on the Python bindings of libdnf5: what its programs `install @GROUP` and `builddep` decide."""

import os
import shutil

import libdnf5
from solver_metadata import (
    UNREADABLE,  # noqa: F401 - the caller catches it
    Unsolvable,
    Unusable,
    check_expanded,
    is_odd,
    link_files,
    say,
)

REPO = "build"
SOLV = "solv"
"""The directory of libdnf5's caches in that of a repo."""
FILE_LISTS = {"filelists", "all"}
NO_FILE_LISTS = (
    "dnf 5 reads no file lists unless optional_metadata_types=filelists is among dnf5_common_opts of site-defaults.cfg"
)
COMMANDLINE = libdnf5.conf.Option.Priority_COMMANDLINE
KOJIS = (("obsoletes", "1"), ("gpgcheck", "0"), ("install_weak_deps", "0"), ("strict", "1"))
"""What decides of the configuration that Koji writes for mock. It says nothing of `best`, where dnf 5 has its own."""
FAILURES = (libdnf5.exception.Error, libdnf5.exception.NonLibdnf5Exception)
_RELEASE = libdnf5.conf.get_library_version()
VERSION = "libdnf5 %d.%d.%d" % (_RELEASE.prime, _RELEASE.major, _RELEASE.minor)


def make_base(task):
    """libdnf5 with nothing of the image's configuration, and nothing of the root's but its packages."""
    base = libdnf5.base.Base()
    conf = base.get_config()
    scratch = task["scratch"]
    conf.installroot = task["root"]
    conf.plugins = False
    conf.logdir = os.path.join(scratch, "log")
    conf.cachedir = os.path.join(scratch, "libdnf5")
    conf.system_cachedir = conf.cachedir
    # These two are below the root, wherever that is.
    conf.system_state_dir = conf.transaction_history_dir = from_root(task, "state")
    conf.persistdir = from_root(task, "persist")
    conf.reposdir = conf.varsdir = []
    for name, value in (*KOJIS, *task["options"]["set"]):
        set_option(conf, name, value)
    variables = base.get_vars()
    variables.set("arch", task["arch"])
    variables.set("releasever", task["releasever"] or "1")
    for directory in (conf.installroot, conf.logdir, conf.cachedir):
        os.makedirs(directory, exist_ok=True)
    base.setup()
    logger = libdnf5.logger.create_file_logger(base, "dnf5.log")
    base.get_logger().add_logger(logger)
    return base


def from_root(task, name):
    """The path of a directory in scratch as it is from the root."""
    return "/" + os.path.relpath(os.path.join(task["scratch"], name), task["root"])


def set_option(conf, name, value):
    """As `--setopt` does; Unsolvable for what dnf 5 does not have."""
    try:
        conf.opt_binds().at(name).new_string(COMMANDLINE, value)
    except FAILURES as error:
        raise Unsolvable("%s=%s: %s" % (name, value, error)) from error


def load_repos(base, task, kinds):
    """The task's own repo, with metadata of these kinds, and what the root has."""
    repodata = os.path.join(task["metadata"], "repodata")
    check_expanded(repodata, ("primary", "filelists") if kinds & FILE_LISTS else ("primary",))
    repo = base.get_repo_sack().create_repo(REPO)
    repo.get_config().baseurl = ["file://" + task["metadata"]]
    repo.get_config().module_hotfixes = task["module_hotfixes"]
    # libdnf5 would only copy them.
    link_files(repodata, os.path.join(repo.get_cachedir(), "repodata"))
    if task["solver_caches"]:
        link_files(task["solver_caches"], os.path.join(repo.get_cachedir(), SOLV))
    repo.set_sync_strategy(libdnf5.repo.Repo.SyncStrategy_ONLY_CACHE)
    try:
        base.get_repo_sack().load_repos()
    except FAILURES as error:
        raise Unusable(str(error)) from error
    keep_caches(os.path.join(repo.get_cachedir(), SOLV), os.path.join(task["scratch"], "cache"))


def keep_caches(made, target):
    """Have in `target` what libdnf5 has made anew."""
    os.makedirs(target, exist_ok=True)
    for name in os.listdir(made):
        path = os.path.join(made, name)
        if not os.path.islink(path):
            shutil.copyfile(path, os.path.join(target, name))


def want(goal, install):
    """What dnf 5's `install @GROUP` asks for, or its `builddep`."""
    if "group" in install:
        goal.add_install("@" + install["group"])
        return
    settings = libdnf5.base.GoalJobSettings()
    settings.set_with_nevra(False)
    settings.set_with_binaries(False)
    settings.set_expand_globs(False)
    # The order decides between solutions that are as good.
    for text in sorted(install["requires"], key=os.fsencode):
        if text.startswith("("):
            goal.add_provide_install(text)
        else:
            goal.add_rpm_install(text, settings)


def package_entry(package):
    """What the daemon has to know of a package."""
    checksum = package.get_checksum()
    return {
        "name": package.get_name(),
        "epoch": int(package.get_epoch()),
        "version": package.get_version(),
        "release": package.get_release(),
        "arch": package.get_arch(),
        "size": package.get_download_size(),
        "checksum": [checksum.get_type_str(), checksum.get_checksum()],
        "location": package.get_location(),
        "base": package.get_baseurl(),
    }


def problem_text(transaction, task, kinds):
    """Why there is no solution, in libdnf5's words where it has some that tell."""
    found = transaction.get_problems()
    if "group" in task["install"] and found == libdnf5.base.GoalProblem_NOT_FOUND:
        return "No group %s in the repo's comps." % task["install"]["group"]
    lines = list(transaction.get_resolve_logs_as_strings())
    if not kinds & FILE_LISTS and any(is_odd(line) for line in lines):
        lines.append(NO_FILE_LISTS)
    return "\n".join(lines)


def items_of(transaction, kind):
    """Those that come into the root, or go from it, by the function of libdnf5 that tells."""
    return [item for item in transaction.get_transaction_packages() if kind(item.get_action())]


def solve(task):
    """What is to be installed and erased; Unsolvable, Unusable."""
    if task["modules"]:
        raise Unsolvable("module_setup_commands are not available with dnf 5 here")
    base = make_base(task)
    kinds = set(base.get_config().optional_metadata_types)
    load_repos(base, task, kinds)
    goal = libdnf5.base.Goal(base)
    goal.set_allow_erasing(task["options"]["allow_erasing"])
    try:
        want(goal, task["install"])
        transaction = goal.resolve()
    except FAILURES as error:
        raise Unsolvable(str(error)) from error
    if transaction.get_problems() != libdnf5.base.GoalProblem_NO_PROBLEM:
        raise Unsolvable(problem_text(transaction, task, kinds))
    for line in transaction.get_resolve_logs_as_strings():
        say(line)
    come = items_of(transaction, libdnf5.transaction.transaction_item_action_is_inbound)
    go = items_of(transaction, libdnf5.transaction.transaction_item_action_is_outbound)
    for item in (*come, *go):
        action = libdnf5.transaction.transaction_item_action_to_string(item.get_action())
        say("%-10s %s" % (action, item.get_package().get_nevra()))
    return {
        "install": [package_entry(item.get_package()) for item in come],
        "remove": [item.get_package().get_nevra() for item in go],
    }
