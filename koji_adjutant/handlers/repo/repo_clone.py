"""Whether the metadata of an old repo is that of a new one, and copying it (option copy_old_repodata).

Repos are compared by what the hub wrote into their directories. A copy that does not arrive whole is no copy:
the architecture then gets an ordinary createrepo task.
"""

import filecmp
import json
import logging
import shutil
from pathlib import Path

from koji_adjutant.errors import TaskFailed
from koji_adjutant.task_adapters.repodata.verify import verify_repodata

logger = logging.getLogger("koji.adjutant.handlers.repo")

CONTENT_KEYS = ("with_debuginfo", "with_src", "with_separate_src")
COMPS = "groups/comps.xml"


def same_options(old: Path, new: Path) -> bool:
    """Whether two repos were asked for with the same content, and have the same groups."""
    try:
        mine, other = (json.loads((repo / "repo.json").read_bytes()) for repo in (new, old))
    except (OSError, ValueError) as error:
        logger.info("repo.json of %s and %s cannot be compared: %s", old, new, error)
        return False
    if any(mine.get(key, False) != other.get(key, False) for key in CONTENT_KEYS):
        return False
    present = {(repo / COMPS).exists() for repo in (old, new)}
    return present == {False} or (present == {True} and _same_file(old / COMPS, new / COMPS))


def same_packages(old: Path, new: Path, arch: str) -> bool:
    """Whether two repos have the same packages of `arch`, and block the same."""
    return all(_same_file(old / arch / name, new / arch / name) for name in ("pkglist", "blocklist"))


def _same_file(one: Path, other: Path) -> bool:
    try:
        return filecmp.cmp(one, other, shallow=False)
    except OSError:
        return False


def copy_repodata(old: Path, arch: str, target: Path) -> tuple[Path, ...]:
    """Copy the metadata of `arch` to `target`; the files, or none when they are not whole."""
    try:
        shutil.copytree(old / arch / "repodata", target)
        verify_repodata(target)
    except (OSError, shutil.Error, TaskFailed) as error:
        logger.warning("repodata of %s is not taken over: %s", old / arch, error)
        shutil.rmtree(target, ignore_errors=True)
        return ()
    return tuple(sorted(target.iterdir()))
