"""Removal of what was downloaded and solved: what nobody has used for longest goes first.

A thing counts as used when a task asks for it. Nothing that was used within the last hour goes, whatever the limit:
a task may be about to link it; what a task has linked stays with the task. Metadata goes as a whole, and not while a
task holds it. Workers that share a cache directory may all remove at once.
"""

import logging
import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.buildroot.metadata_store import remove_metadata
from koji_adjutant.clock import JUMP
from koji_adjutant.files import PARTIAL

SETTLING_SECONDS = 3600.0 + JUMP
LEFT_SECONDS = 86400.0
"""Age of a partial file whose task must be gone."""
WRITTEN = (".", "solutions", "containment", "image-requests")
"""Where files are replaced as a whole."""

logger = logging.getLogger("koji.adjutant.cache")


@dataclass(frozen=True, kw_only=True)
class CachedDownload:
    """A package, a solution, or the directory of one repo's metadata."""

    path: Path
    size: int
    last_used: float


def prune_downloads(cache_dir: Path, limit: int, now: float | None = None) -> int:
    """Remove what is too much for `limit` bytes, and what killed tasks have left; bytes that were freed."""
    now = time.time() if now is None else now
    remove_left_overs(cache_dir, now)
    found = sorted(cached_downloads(cache_dir), key=lambda download: download.last_used)
    total, freed = sum(download.size for download in found), 0
    for download in found:
        if total - freed <= limit or download.last_used > now - SETTLING_SECONDS:
            break
        if remove(download):
            freed += download.size
    if freed:
        logger.info("%d bytes of %d that were downloaded are removed", freed, total)
    return freed


def cached_downloads(cache_dir: Path) -> Iterator[CachedDownload]:
    """Everything that there is."""
    for path in (*(cache_dir / "packages").glob("*/*/*"), *(cache_dir / "solutions").glob("*.json")):
        yield from _measured(path, [path])
    for directory in (cache_dir / "metadata").glob("*"):
        if directory.is_dir() and not directory.suffix:
            yield from _measured(directory, directory.rglob("*"))


def _measured(path: Path, files: Iterable[Path]) -> Iterator[CachedDownload]:
    try:
        last_used = path.stat().st_mtime
        size = sum(file.stat().st_size for file in files if file.is_file())
    except FileNotFoundError:
        # Another worker has removed it.
        return
    yield CachedDownload(path=path, size=size, last_used=last_used)


def remove(download: CachedDownload) -> bool:
    """Remove it unless it is in use; whether it is gone."""
    if download.path.is_dir():
        return remove_metadata(download.path)
    download.path.unlink(missing_ok=True)
    if download.path.suffix == ".rpm":
        _remove_if_empty(download.path.parent)
    return True


def remove_left_overs(cache_dir: Path, now: float) -> None:
    """Remove partial files and directories that nobody writes any more."""
    metadata = cache_dir / "metadata"
    for directory in metadata.glob("*.partial"):
        if _is_old(directory, now) and not directory.with_suffix("").exists():
            shutil.rmtree(directory, ignore_errors=True)
    written = (path for place in WRITTEN for path in (cache_dir / place).glob(f"{PARTIAL}*"))
    for path in (*(cache_dir / "partial").glob("*"), *written):
        if _is_old(path, now):
            path.unlink(missing_ok=True)


def _is_old(path: Path, now: float) -> bool:
    try:
        return path.stat().st_mtime < now - LEFT_SECONDS
    except FileNotFoundError:
        return False


def _remove_if_empty(directory: Path) -> None:
    try:
        directory.rmdir()
    except OSError:
        # Somebody has another file there, or fetches this one again.
        return
