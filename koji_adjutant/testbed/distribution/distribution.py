"""The mini distribution at its place: a repository of RPMs and a set of source packages, below one directory.

Made in a work directory and moved to its place when whole; the stamp is written last and taken away first, so
what a stamp vouches for is complete. One run at a time works on a directory, others wait. What the stamp
records is made once and then only read; what apt downloaded is kept beside it.
"""

import contextlib
import fcntl
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.testbed.distribution.archive import Archive
from koji_adjutant.testbed.distribution.content import TOOLS, Progress, make_content
from koji_adjutant.testbed.distribution.recipe import (
    MACHINE,
    RELEASE,
    check_machine,
    fingerprint,
    read_recipe,
)
from koji_adjutant.testbed.distribution.tools import Tools

_MADE = ("repo", "srpms", "comps.xml", TOOLS)


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """`repo` has Packages and repodata; `srpms` are by short name; `digest` is the identity of all content.

    `tools` are programs of its release, beside it.
    """

    directory: Path
    repo: Path
    srpms: Mapping[str, Path]
    comps: Path
    digest: str
    tools: Tools
    release: str = RELEASE


def make(
    directory: Path,
    progress: Progress,
    machine: str = MACHINE,
    first: Distribution | None = None,
    release: str = RELEASE,
) -> Distribution:
    """The distribution at `directory`, made when it is not there or was made by another recipe.

    It is made of Debian's `release`. What has no architecture, and programs to make the rest with, are taken from
    `first`, the distribution of another machine, if that is given.
    """
    check_machine()
    directory = directory.absolute()
    directory.mkdir(parents=True, exist_ok=True)
    recipe_digest = fingerprint(release)
    with only_run(directory, progress):
        existing = read_stamp(directory, recipe_digest)
        if existing:
            progress("the distribution is up to date")
            return existing
        with _work_directory(directory) as work:
            recipe = read_recipe(machine, release)
            archive = Archive(directory, recipe.machine.debian, release)
            make_content(work, archive, recipe, progress, first.directory if first else None)
            _take_over(work, directory, {"recipe": recipe_digest, "release": release})
    made = read_stamp(directory, recipe_digest)
    assert made is not None
    return made


def read_stamp(directory: Path, recipe_digest: str) -> Distribution | None:
    """The whole distribution at `directory`, if there is one of this recipe."""
    try:
        stamp = json.loads((directory / "stamp.json").read_text())
    except FileNotFoundError:
        return None
    if stamp["recipe"] != recipe_digest or not all((directory / name).exists() for name in _MADE):
        return None
    return Distribution(
        directory=directory,
        repo=directory / "repo",
        srpms={name: directory / "srpms" / file for name, file in stamp["srpms"].items()},
        comps=directory / "comps.xml",
        digest=stamp["digest"],
        tools=Tools(root=directory / TOOLS),
        release=stamp["release"],
    )


@contextlib.contextmanager
def only_run(directory: Path, progress: Progress) -> Iterator[None]:
    """Nobody else makes anything below `directory` in this context."""
    with (directory / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(f"waiting for another run to finish with {directory}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _work_directory(directory: Path) -> Iterator[Path]:
    """Space for one run; what a killed run left is removed first."""
    for left in directory.glob("work-*"):
        shutil.rmtree(left)
    work = Path(tempfile.mkdtemp(prefix="work-", dir=directory))
    try:
        yield work
    finally:
        shutil.rmtree(work)


def _take_over(work: Path, directory: Path, made_by: Mapping[str, str]) -> None:
    """Put what was made into its place, and write the stamp."""
    srpms = {path.name.rsplit("-", 2)[0]: path.name for path in (work / "srpms").iterdir()}
    stamp = {**made_by, "digest": content_digest(work), "srpms": dict(sorted(srpms.items()))}
    (directory / "stamp.json").unlink(missing_ok=True)
    for name in _MADE:
        if (directory / name).exists():
            (directory / name).rename(work / f"old-{name}")
        (work / name).rename(directory / name)
    whole = work / "stamp.json"
    whole.write_text(json.dumps(stamp, indent=2) + "\n")
    whole.rename(directory / "stamp.json")


def content_digest(root: Path) -> str:
    """repomd.xml has the checksum of the metadata, which has those of all packages."""
    identity = hashlib.sha256((root / "repo" / "repodata" / "repomd.xml").read_bytes())
    for path in sorted((root / "srpms").iterdir()):
        identity.update(path.name.encode())
        identity.update(hashlib.sha256(path.read_bytes()).digest())
    return identity.hexdigest()
