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

from koji_adjutant.buildroot.install.downloads import locked_at_once
from koji_adjutant.buildroot.install.metadata_store import remove_metadata
from koji_adjutant.host.files import JUMP

SETTLING_SECONDS = 3600.0 + JUMP

logger = logging.getLogger("koji.adjutant.buildroot.install")


@dataclass(frozen=True, kw_only=True)
class CachedDownload:
    """A package, a solution, or the directory of one repo's metadata. `size` in bytes, `last_used` a time of day."""

    path: Path
    size: int
    last_used: float


def prune_downloads(cache_dir: Path, limit: int, now: float | None = None) -> int:
    """Remove what is too much for `limit` bytes, and what killed tasks have left; how many bytes that freed."""
    now = time.time() if now is None else now
    remove_abandoned(cache_dir)
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
    """The packages, solutions and metadata below the cache directory."""
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
    """Remove `download` unless a task holds it; whether it is gone."""
    if download.path.is_dir():
        return remove_metadata(download.path)
    download.path.unlink(missing_ok=True)
    if download.path.suffix == ".rpm":
        _remove_if_empty(download.path.parent)
    return True


def remove_abandoned(cache_dir: Path) -> None:
    """Remove partial files and directories that nobody writes: who does holds a lock."""
    for lock in (cache_dir / "partial").glob("*"):
        with locked_at_once(lock) as is_ours:
            if is_ours:
                lock.unlink(missing_ok=True)
    metadata = cache_dir / "metadata"
    for directory in metadata.glob("*.partial"):
        whole = directory.with_suffix("")
        with locked_at_once(directory.with_suffix(".lock")) as is_ours:
            if is_ours:
                shutil.rmtree(directory, ignore_errors=True)
                if not whole.exists():
                    directory.with_suffix(".lock").unlink(missing_ok=True)
    for directory in metadata.glob("*/.*"):
        with locked_at_once(directory.parent.with_suffix(".lock")) as is_ours:
            if is_ours:
                shutil.rmtree(directory, ignore_errors=True)


def _remove_if_empty(directory: Path) -> None:
    try:
        directory.rmdir()
    except OSError:
        # Somebody has another file there, or fetches this one again.
        return
