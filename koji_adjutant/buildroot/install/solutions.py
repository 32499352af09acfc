"""Which packages a root is to have, as the solver has found it, and their files: kept on the host for all tasks.

A key says everything that a solution depends on, the solver's program included, so a kept one never becomes wrong,
only useless. Files of solutions appear under their final name at once; one that cannot be read is treated as none.

Files of packages are named by their checksum and appear under their final name at once; each is verified whenever it is
used. No container sees the store, the installer no more than any other: it gets a directory with links to the solved
files. Links live as long as the task's work directory; solutions and packages are the cache directory's.
"""

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from koji_adjutant import names
from koji_adjutant.buildroot.install.downloads import PAUSE, Download, Downloads, file_checksum
from koji_adjutant.buildroot.packages import nevra
from koji_adjutant.errors import BuildrootFailed
from koji_adjutant.host.files import replace_json

FORMAT = 2
"""Changes with the format of the files. In format 1 the keys did not depend on the solver's program."""

logger = logging.getLogger("koji.adjutant.buildroot.install")


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
        found = nevra(row["name"], row["epoch"], row["version"], row["release"], row["arch"])
        names.file_name(found, "package", BuildrootFailed)
        what = f"location of package {found}"
        kind, checksum = row["checksum"]
        names.checksum(kind, checksum, f"checksum of package {found}", BuildrootFailed)
        location = row["location"]
        path = urlsplit(location).path.lstrip("/") if "://" in location else location
        file = names.relative(path, what, BuildrootFailed).name
        return cls(
            nevra=found,
            size=row["size"],
            checksum_kind=kind,
            checksum=checksum,
            file=f"packages/{checksum[:2]}/{checksum}/{file}",
            location=location,
            base=row["base"],
        )

    def urls(self, baseurls: Sequence[str]) -> tuple[str, ...]:
        """The URLs of the package's file, of which each may have it."""
        if "://" in self.location:
            return (self.location,)
        what = f"location of package {self.nevra}"
        return tuple(
            names.url_below(base, self.location, what, BuildrootFailed)
            for base in ([self.base] if self.base else baseurls)
        )


@dataclass(frozen=True, kw_only=True)
class Solution:
    """The packages to install, and the NEVRAs of those erased for them: other versions, and what they replace."""

    install: tuple[SolvedPackage, ...]
    remove: frozenset[str]

    @property
    def changes(self) -> bool:
        """Whether installing the solution changes a root."""
        return bool(self.install or self.remove)


class PackageStore:
    """The store below `directory`, made when it is missing."""

    def __init__(self, directory: Path, *, pause: float = PAUSE) -> None:
        """`pause`: seconds before a file that could not be had is asked for again."""
        self.directory = directory
        self._pause = pause
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
        Downloads(self.directory / "partial", proxies, pause=self._pause).fetch(wanted)

    def link_verified(self, packages: Sequence[SolvedPackage], directory: Path) -> None:
        """A link to the file of each package in the new directory `directory`; `fetch` has verified the files."""
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
        """`link_verified`, each file verified before; BuildrootFailed when one is not what the repo says."""
        for package in packages:
            self._verify(package, self.directory / package.file)
        self.link_verified(packages, directory)

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


def solution_key(*parts: object) -> str:
    """A digest of `parts`, which are all that a solution depends on; JSON values."""
    return hashlib.sha256(json.dumps([FORMAT, *parts]).encode()).hexdigest()


class SolutionCache:
    """Solutions below the cache directory."""

    def __init__(self, cache_dir: Path) -> None:
        self.directory = cache_dir / "solutions"

    def get(self, key: str) -> Solution | None:
        """The solution kept under `key`, which counts as used now; None when there is none."""
        path = self._path(key)
        try:
            data = json.loads(path.read_bytes())
            found = Solution(
                install=tuple(SolvedPackage(**row) for row in data["install"]),
                remove=frozenset(data["remove"]),
            )
            if data["format"] != FORMAT or data["key"] != key:
                return None
            os.utime(path)
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError) as error:
            logger.warning("the kept solution %s is unusable: %s", path, error)
            return None
        return found

    def put(self, key: str, solution: Solution) -> None:
        """Keep `solution` under `key`."""
        self.directory.mkdir(parents=True, exist_ok=True)
        rows = [asdict(package) for package in solution.install]
        content = {"format": FORMAT, "key": key, "install": rows, "remove": sorted(solution.remove)}
        replace_json(self._path(key), content)

    def _path(self, key: str) -> Path:
        return self.directory / f"{key}.json"
