"""The mini distribution: a repository of RPMs and a set of source packages, below one directory.

Made in a work directory and moved to its place when whole; the stamp is written last and taken away first, so
what a stamp vouches for is complete. One run at a time works on a directory, others wait. What the stamp
records is made once and then only read; what apt downloaded is kept beside it.
"""

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.testbed.distribution.archive import Archive
from koji_adjutant.testbed.distribution.bytecode import compile_modules
from koji_adjutant.testbed.distribution.comps import comps_xml
from koji_adjutant.testbed.distribution.filesystem import directory_modes, filesystem_spec, fill
from koji_adjutant.testbed.distribution.packages import FILESYSTEM, conversion
from koji_adjutant.testbed.distribution.programs import EPOCH, run
from koji_adjutant.testbed.distribution.recipe import (
    DATA,
    Recipe,
    check_machine,
    fingerprint,
    read_groups,
    read_layout,
    read_recipe,
)
from koji_adjutant.testbed.distribution.source_packages import make_source_package, source_names
from koji_adjutant.testbed.distribution.spec import pack, pack_written
from koji_adjutant.testbed.distribution.trees import Tree, paths_below, unpack

Progress = Callable[[str], None]
_MADE = ("repo", "srpms", "comps.xml")


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """`repo` has Packages and repodata; `srpms` are by short name; `digest` is the identity of all content."""

    directory: Path
    repo: Path
    srpms: Mapping[str, Path]
    comps: Path
    digest: str


def make(directory: Path, progress: Progress) -> Distribution:
    """The distribution at `directory`, made when it is not there or was made by another recipe."""
    check_machine()
    directory = directory.absolute()
    directory.mkdir(parents=True, exist_ok=True)
    recipe_digest = fingerprint()
    with _only_run(directory, progress):
        existing = read_stamp(directory, recipe_digest)
        if existing:
            progress("the distribution is up to date")
            return existing
        with _work_directory(directory) as work:
            _make_all(work, Archive(directory), _lap(progress))
            _take_over(work, directory, recipe_digest)
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
    )


@contextlib.contextmanager
def _only_run(directory: Path, progress: Progress) -> Iterator[None]:
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


def _lap(progress: Progress) -> Progress:
    began = time.monotonic()
    return lambda what: progress(f"{time.monotonic() - began:6.1f} s  {what}")


def _make_all(work: Path, archive: Archive, progress: Progress) -> None:
    recipe = read_recipe()
    packages = work / "repo" / "Packages"
    packages.mkdir(parents=True)
    archive.refresh()
    debs = [deb for deb in archive.binaries(recipe.seeds) if deb.name.partition("_")[0] not in recipe.dropped]
    progress(f"{len(debs)} packages of Debian, {_mebibytes(debs)} MiB")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        unpacked = pool.map(lambda deb: unpack(deb, work / "trees" / deb.name.partition("_")[0], recipe), debs)
        trees = {tree.fields["Package"]: tree for tree in unpacked}
    progress("unpacked")
    for name in compile_modules(trees.values()):
        trees[name] = dataclasses.replace(trees[name], paths=paths_below(trees[name].root))
    progress("Python compiled")
    _pack_binaries(list(trees.values()), recipe, work, packages)
    progress(f"{len(list(packages.iterdir()))} binary packages, {_mebibytes(list(packages.iterdir()))} MiB")
    _pack_sources(work, archive)
    _index(work)
    progress("source packages and metadata")


def _pack_binaries(trees: Sequence[Tree], recipe: Recipe, work: Path, packages: Path) -> None:
    layout = read_layout()
    common = conversion(trees, recipe, layout)
    modes = directory_modes(trees, common.shared, layout)
    fill(work / "trees" / FILESYSTEM, modes, layout)
    filesystem = filesystem_spec(modes, layout, recipe)
    # The biggest first, so that the last job is a short one.
    ordered = sorted(trees, key=lambda tree: -sum(status.st_size for status in tree.paths.values()))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [
            pool.submit(lambda tree: pack(common.spec(tree), tree.root, work / "build" / tree.root.name, packages), tree)
            for tree in ordered
        ]
        jobs.append(pool.submit(pack, filesystem, work / "trees" / FILESYSTEM, work / "build" / FILESYSTEM, packages))
        for spec in sorted((DATA / "packages").glob("*/*.spec")):
            jobs.append(pool.submit(pack_written, spec, work / "build" / f"own-{spec.stem}", packages))
        for job in jobs:
            job.result()


def _pack_sources(work: Path, archive: Archive) -> None:
    (work / "srpms").mkdir()
    for name in source_names():
        make_source_package(name, work / "sources" / name, archive, work / "srpms")


def _index(work: Path) -> None:
    comps = work / "comps.xml"
    comps.write_text(comps_xml(read_groups()))
    for path in [comps, *(work / "repo").rglob("*"), *(work / "srpms").iterdir()]:
        os.utime(path, (EPOCH, EPOCH))
    pinned = ["--revision", str(EPOCH), "--set-timestamp-to-revision", "--simple-md-filenames", "--no-database"]
    run(["createrepo_c", "--quiet", "--error-exit-val", *pinned, "-g", comps, work / "repo"])


def _take_over(work: Path, directory: Path, recipe_digest: str) -> None:
    """Put what was made into its place, and write the stamp."""
    srpms = {path.name.rsplit("-", 2)[0]: path.name for path in (work / "srpms").iterdir()}
    stamp = {"recipe": recipe_digest, "digest": content_digest(work), "srpms": dict(sorted(srpms.items()))}
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


def _mebibytes(paths: Sequence[Path]) -> int:
    return sum(path.stat().st_size for path in paths) >> 20
