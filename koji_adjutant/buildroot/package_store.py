"""Downloaded packages, shared by all tasks of the host, and a task's view of exactly those it may install.

Files are named by their checksum and appear under their final name at once; each is verified whenever it is used.
The solver writes the store, the installer never sees it: it gets a directory with links to the solved files. Links
live as long as the task's work directory; the store is the cache directory's.
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from koji_adjutant.buildroot.packages import nevra
from koji_adjutant.errors import BuildrootFailed

BLOCK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class SolvedPackage:
    """A package that the solver chose; `file` is relative to the store."""

    nevra: str
    size: int
    checksum_kind: str
    checksum: str
    file: str

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Self:
        """An entry of the solver's answer (scripts/solve.py)."""
        kind, checksum = row["checksum"]
        return cls(
            nevra=nevra(row["name"], row["epoch"], row["version"], row["release"], row["arch"]),
            size=row["size"],
            checksum_kind=kind,
            checksum=checksum,
            file=row["file"],
        )


@dataclass(frozen=True, kw_only=True)
class Solution:
    """What is to be installed, and what goes with it."""

    install: tuple[SolvedPackage, ...]
    remove: frozenset[str]


class PackageStore:
    """The store below `directory`, made when it is missing."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        for name in ("packages", "metadata", "partial"):
            (directory / name).mkdir(parents=True, exist_ok=True)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the store for one solver: dnf's own locks compare pids, which mean nothing between containers."""
        with (self.directory / "lock").open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def complete(self, solution: Solution) -> bool:
        """Whether a file of the right size is there for each package; `link` looks at the content."""
        return all(self._has(package) for package in solution.install)

    def _has(self, package: SolvedPackage) -> bool:
        try:
            return (self.directory / package.file).stat().st_size == package.size
        except FileNotFoundError:
            return False

    def link(self, packages: Sequence[SolvedPackage], directory: Path) -> None:
        """Verify each package and put it into `directory`; BuildrootFailed when one is not what the repo says."""
        directory.mkdir(parents=True)
        for package in packages:
            source = self.directory / package.file
            self._verify(package, source)
            target = directory / source.name
            try:
                os.link(source, target)
            except OSError:
                # Another file system than the store's.
                shutil.copyfile(source, target)

    def _verify(self, package: SolvedPackage, source: Path) -> None:
        digest = hashlib.new("sha1" if package.checksum_kind == "sha" else package.checksum_kind)
        try:
            with source.open("rb") as handle:
                while block := handle.read(BLOCK):
                    digest.update(block)
        except FileNotFoundError:
            problem = "is not in the package store"
        else:
            if digest.hexdigest() == package.checksum:
                return
            source.unlink()
            problem = f"has {package.checksum_kind} {digest.hexdigest()}, the repo says {package.checksum}"
        raise BuildrootFailed(
            f"package {package.nevra}: the downloaded file {problem}",
            hint="the file on the server and the repo's metadata differ: regenerate the repo, or look at the proxy",
        )
