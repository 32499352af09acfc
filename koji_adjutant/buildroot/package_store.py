"""Downloaded packages, shared by all tasks of the host, and a task's view of exactly those it may install.

Files are named by their checksum and appear under their final name at once; each is verified whenever it is used.
No container sees the store, the installer no more than any other: it gets a directory with links to the solved
files. Links live as long as the task's work directory; the store is the cache directory's.
"""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Self

from koji_adjutant.buildroot.downloads import Download, Downloads, file_checksum
from koji_adjutant.buildroot.packages import nevra
from koji_adjutant.errors import BuildrootFailed


@dataclass(frozen=True, kw_only=True)
class SolvedPackage:
    """A package that the solver chose; `file` is relative to the store."""

    nevra: str
    size: int
    checksum_kind: str
    checksum: str
    file: str
    location: str = ""
    """Where the file is, relative to the repo or to `base`."""
    base: str = ""
    """URL of the external repo that the file is from."""

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Self:
        """An entry of the solver's answer (scripts/solve.py)."""
        kind, checksum = row["checksum"]
        return cls(
            nevra=nevra(row["name"], row["epoch"], row["version"], row["release"], row["arch"]),
            size=row["size"],
            checksum_kind=kind,
            checksum=checksum,
            file=f"packages/{checksum[:2]}/{checksum}/{PurePosixPath(row['location']).name}",
            location=row["location"],
            base=row["base"],
        )

    def urls(self, baseurls: Sequence[str]) -> tuple[str, ...]:
        """Where the file can be had."""
        if "://" in self.location:
            return (self.location,)
        return tuple(
            f"{base.rstrip('/')}/{self.location}" for base in ([self.base] if self.base else baseurls)
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
        for name in ("packages", "partial"):
            (directory / name).mkdir(parents=True, exist_ok=True)

    def complete(self, solution: Solution) -> bool:
        """Whether a file of the right size is there for each package."""
        return all(self._has(package) for package in solution.install)

    def _has(self, package: SolvedPackage) -> bool:
        try:
            return (self.directory / package.file).stat().st_size == package.size
        except FileNotFoundError:
            return False

    def fetch(
        self, packages: Sequence[SolvedPackage], baseurls: Sequence[str], proxies: dict[str, str] | None
    ) -> None:
        """Have a verified file of each package in the store. DownloadFailed."""
        wanted = [
            Download(
                title=f"package {package.nevra}",
                urls=package.urls(baseurls),
                checksum_kind=package.checksum_kind,
                checksum=package.checksum,
                size=package.size,
                target=self.directory / package.file,
                verify=True,
            )
            for package in packages
        ]
        Downloads(self.directory / "partial", proxies).fetch(wanted)

    def place(self, packages: Sequence[SolvedPackage], directory: Path) -> None:
        """Put each package, which `fetch` has verified, into `directory`."""
        directory.mkdir(parents=True)
        for package in packages:
            source = self.directory / package.file
            target = directory / source.name
            try:
                os.link(source, target)
            except FileNotFoundError:
                raise BuildrootFailed(f"package {package.nevra} is not in the package store") from None
            except OSError:
                # Another file system than the store's.
                shutil.copyfile(source, target)

    def link(self, packages: Sequence[SolvedPackage], directory: Path) -> None:
        """Verify each package and put it into `directory`; BuildrootFailed when one is not what the repo says."""
        for package in packages:
            self._verify(package, self.directory / package.file)
        self.place(packages, directory)

    def _verify(self, package: SolvedPackage, source: Path) -> None:
        try:
            found = file_checksum(source, package.checksum_kind)
        except FileNotFoundError:
            problem = "is not in the package store"
        else:
            if found == package.checksum:
                return
            source.unlink()
            problem = f"has {package.checksum_kind} {found}, the repo says {package.checksum}"
        raise BuildrootFailed(
            f"package {package.nevra}: the downloaded file {problem}",
            hint="the file on the server and the repo's metadata differ: regenerate the repo, or look at the proxy",
        )
