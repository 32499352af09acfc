"""The `.git` of a checkout, before any git runs in it on this host: what a clone has, and none of what runs programs.

A plugin that is shown a checkout may run git there, as the daemon's user. The checkout came out of a container that
talked to a server: whatever lies in it may have been put there by others, and git runs the programs that a repository's
configuration, hooks and attributes name. So of a `.git` only references and packs are kept; configuration and index are
written anew, the packs are read through and indexed anew. What no clone has is refused. For as long as callbacks run,
their children have an environment in which git runs nothing else, and takes nothing else for a repository.

The tree is the daemon's own, below the task's work directory, and goes with it.
"""

import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from koji_adjutant import names
from koji_adjutant.errors import BuildFailed
from koji_adjutant.host.git import check_version, git_environment, run_git
from koji_adjutant.policy.scm_address import is_commit

GIT_DIR = ".git"
NO_COMMIT = "Error getting commit hash for git"
"""Koji's words."""
KEPT = frozenset({"HEAD", "packed-refs", "refs", "objects"})
REFUSED = (
    "commondir",
    "gitdir",
    "modules",
    "worktrees",
    "shallow",
    "info/grafts",
    "objects/info/alternates",
    "objects/info/http-alternates",
)
"""What makes a repository of more, or less, than its own objects: no clone of ours has it."""
MOST_PACKS = 1000
SLOPPY = (
    "badDate",
    "badDateOverflow",
    "badEmail",
    "badFilemode",
    "badName",
    "badTagName",
    "badTimezone",
    "missingEmail",
    "missingNameBeforeEmail",
    "missingSpaceBeforeDate",
    "missingSpaceBeforeEmail",
    "missingTaggerEntry",
    "multipleAuthors",
    "nullSha1",
    "zeroPaddedDate",
    "zeroPaddedFilemode",
)
"""Faults of objects that old programs have made, and that any git reads: histories of honest repositories have them."""
_PACK = re.compile(r"pack-[0-9a-f]{40}(?:[0-9a-f]{24})?\.pack")
_REFERENCE = re.compile(rb"(?:ref: refs/(?:(?!\.\.)[^\x00-\x20\x7f])+|[0-9a-f]{40}(?:[0-9a-f]{24})?)\n?")
_SHA256 = re.compile(rb"^\s*objectformat\s*=\s*sha256\s*$", re.IGNORECASE | re.MULTILINE)
_CONFIG = """\
[core]
\trepositoryformatversion = {version}
\tfilemode = true
\tbare = false
\tlogallrefupdates = true
{extensions}[remote "origin"]
\turl = "{url}"
\tfetch = +refs/heads/*:refs/remotes/origin/*
"""


def make_harmless(tree: Path, *, remote_url: str) -> None:
    """Make the git checkout `tree` one in which git may run. BuildFailed for one that no clone has made.

    `remote_url` is what a plugin is to see of where it comes from, without a password.
    """
    check_version()
    git_dir = tree / GIT_DIR
    for directory in (tree, git_dir):
        if not stat.S_ISDIR(directory.lstat().st_mode if os.path.lexists(directory) else 0):
            raise _refused(directory.relative_to(tree.parent), "it is no directory")
    refuse_repositories(tree, but=GIT_DIR)
    _check_entries(git_dir)
    has_sha256 = _has_sha256(git_dir)
    _keep_known(git_dir)
    (git_dir / "config").write_text(_config(remote_url, has_sha256=has_sha256))
    _index_packs(git_dir)
    run_git(git_dir, "read-tree", "HEAD")


def refuse_repositories(tree: Path, *, but: str = "") -> None:
    """BuildFailed when git would take anything in the tree for a repository, except its own at the path `but`."""
    for directory, below, files in os.walk(tree):
        where = Path(directory).relative_to(tree)
        for name in (*below, *files):
            if name.lower() == GIT_DIR and str(where / name) != but:
                raise _refused(where / name, "it is a repository within the checkout")
        if str(where) == ".":
            below[:] = [name for name in below if name != but]


def head_commit(tree: Path) -> str:
    """The commit that is checked out in `tree`, which has been made harmless."""
    found = run_git(tree / GIT_DIR, "rev-parse", "--verify", "HEAD^{commit}").strip()
    if not is_commit(found):
        raise BuildFailed(NO_COMMIT)
    return found


@contextmanager
def callback_environment(tree: Path) -> Iterator[None]:
    """While this lasts, children of this process run a harmless git in `tree`, and in no checkout around it."""
    before = {key: value for key, value in os.environ.items() if key.startswith("GIT_")}
    for key in before:
        del os.environ[key]
    added = git_environment(safe__directory=str(tree)) | {"GIT_CEILING_DIRECTORIES": str(tree.parent)}
    os.environ.update(added)
    try:
        yield
    finally:
        for key in added:
            os.environ.pop(key, None)
        os.environ.update(before)


def _check_entries(git_dir: Path) -> None:
    for name in REFUSED:
        if os.path.lexists(git_dir / name):
            raise _refused(Path(GIT_DIR, name), "no clone has it")
    for directory, below, files in os.walk(git_dir):
        for name in (*below, *files):
            path = Path(directory, name)
            if path.is_symlink():
                raise _refused(path.relative_to(git_dir.parent), "it is a symbolic link")
            if not path.is_dir() and (path == git_dir / "HEAD" or path.is_relative_to(git_dir / "refs")):
                _check_reference(path, git_dir)


def _check_reference(path: Path, git_dir: Path) -> None:
    with path.open("rb") as file:
        content = file.read(4096)
    if not _REFERENCE.fullmatch(content):
        raise _refused(path.relative_to(git_dir.parent), "it is no reference")


def _has_sha256(git_dir: Path) -> bool:
    try:
        with (git_dir / "config").open("rb") as file:
            return bool(_SHA256.search(file.read(1 << 16)))
    except OSError:
        return False


def _keep_known(git_dir: Path) -> None:
    for path in git_dir.iterdir():
        if path.name not in KEPT:
            _remove(path)
    objects = git_dir / "objects"
    for path in objects.iterdir() if objects.is_dir() else ():
        if path.name == "pack" and path.is_dir():
            continue
        if path.name != "info" and (not path.is_dir() or any(path.iterdir())):
            raise _refused(path.relative_to(git_dir.parent), "objects are to be in packs")
        _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def _index_packs(git_dir: Path) -> None:
    """Read the packs through, each after those that it builds on, and index them; all else there is removed."""
    directory = git_dir / "objects" / "pack"
    directory.mkdir(parents=True, exist_ok=True)
    packs = [path for path in directory.iterdir() if _PACK.fullmatch(path.name) and not path.is_dir()]
    for path in set(directory.iterdir()) - set(packs):
        _remove(path)
    if len(packs) > MOST_PACKS:
        raise _refused(directory.relative_to(git_dir.parent), f"there are more than {MOST_PACKS} packs")
    waiting = sorted(packs, key=lambda pack: pack.stat().st_size, reverse=True)
    strict = "--strict=" + ",".join(f"{name}=ignore" for name in SLOPPY)
    while waiting:
        later: list[Path] = []
        for pack in waiting:
            try:
                run_git(git_dir, "index-pack", strict, str(pack))
            except BuildFailed:
                if len(later) + 1 == len(waiting):
                    raise
                later.append(pack)
        waiting = later


def _config(url: str, *, has_sha256: bool) -> str:
    quoted = url.replace("\\", "\\\\").replace('"', '\\"')
    if not quoted.isprintable():
        raise BuildFailed(f"the address of a repository cannot be {names.shown(url)}")
    return _CONFIG.format(
        version=int(has_sha256),
        extensions="[extensions]\n\tobjectformat = sha256\n" if has_sha256 else "",
        url=quoted,
    )


def _refused(path: Path, reason: str) -> BuildFailed:
    return BuildFailed(f"{names.shown(path)} of the checkout is not taken onto this host: {reason}")
