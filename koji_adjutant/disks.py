"""The directories that the daemon and its tasks write to on this host, and whether there is room in them.

The engine's storage is not among them: see minspace (koji_adjutant.daemon.readiness). What is asked for here is little,
so that a host is not ready when its next task would fail at once, and at no other time.
"""

import errno
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.config import Config
from koji_adjutant.errors import AdjutantError, ConfigError, DiskFull, TaskInterrupted

LEAST_BYTES = 64 << 20
LEAST_STATE_BYTES = 4 << 20
LEAST_FILES = 500
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})
"""What a disk says that is full, or broken."""
SAID_BY_PROGRAMS = re.compile(
    rb"No space left on device|Disk quota exceeded|needs \d+[KMGT]?B (more space )?on the|cpio: write failed - "
)
"""What programs of ours, rpm included, say of a full disk. Why it could not write rpm has often forgotten."""


@dataclass(frozen=True, kw_only=True)
class Disk:
    """A directory of ours, and the option that names it."""

    option: str
    path: Path
    least: int = LEAST_BYTES

    def problem(self) -> str:
        """What it lacks, in a sentence; empty when there is room."""
        try:
            status = os.statvfs(_existing(self.path))
        except OSError as error:
            return f"{self.option} {self.path} cannot be used: {error.strerror}"
        free = status.f_bavail * status.f_frsize
        if free < self.least:
            return (
                f"Insufficient disk space at {self.path} ({self.option}): "
                f"{free >> 20} MB, {self.least >> 20} MB are needed"
            )
        # Some file systems do not count files.
        if status.f_files and status.f_favail < LEAST_FILES:
            return f"Insufficient disk space at {self.path} ({self.option}): room for {status.f_favail} files"
        if status.f_flag & os.ST_RDONLY:
            return f"{self.option} {self.path} is read-only"
        return ""


def _existing(path: Path) -> Path:
    """It is made when it is needed."""
    return next((one for one in (path, *path.parents) if one.exists()), path)


def is_full(path: Path) -> bool:
    """Whether `path` is on a disk of this machine, on which nothing more can be done."""
    try:
        status = os.statvfs(path)
    except OSError:
        return False
    return status.f_bavail * status.f_frsize < LEAST_BYTES


def written_by(owner: int, directory: Path, enough: int) -> int:
    """Bytes of the files below `directory` that belong to `owner`, counted until there are `enough`."""
    total, seen, directories = 0, set[int](), [os.fspath(directory)]
    while directories and total < enough:
        with suppress(OSError), os.scandir(directories.pop()) as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode):
                    directories.append(entry.path)
                elif status.st_uid == owner and (status.st_nlink == 1 or status.st_ino not in seen):
                    seen.update({status.st_ino} if status.st_nlink > 1 else ())
                    total += status.st_blocks * 512
    return total


def empty(directory: Path) -> None:
    """Remove what is in `directory`, as far as that can be done."""
    with suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                with suppress(OSError):
                    Path(entry.path).unlink()


def own_disks(config: Config) -> tuple[Disk, ...]:
    """All of them."""
    return (
        Disk(option="workdir", path=Path(config.workdir)),
        Disk(option="cache_dir", path=config.cache_dir),
        Disk(option="state_dir", path=config.state_dir, least=LEAST_STATE_BYTES),
    )


def problem(config: Config) -> str:
    """What the first of them lacks that lacks something; empty when there is room everywhere."""
    return next(filter(None, (disk.problem() for disk in own_disks(config))), "")


def want_of_space(error: BaseException | None) -> OSError | None:
    """The error of a disk that `error` came from, if it did."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            return error
        error = error.__cause__
    return None


def unusable(what: str, error: OSError, *, hint: str) -> AdjutantError:
    """What to say of a directory that the daemon cannot begin with: DiskFull, or a mistake of whoever named it."""
    message = f"{what}: {error.strerror}"
    if error.errno in NO_ROOM:
        return DiskFull(message, hint=f"make room there, or {hint}")
    return ConfigError(message, hint=hint)


def interrupted(config: Config, error: OSError) -> TaskInterrupted:
    """What to say of a task that met with `error`: which disk it is, as far as can be known."""
    disk = _disk_of(config, error)
    reason = (error.strerror or str(error)).lower()
    if disk is None:
        where = error.filename or config.workdir
        return TaskInterrupted(f"a disk of this host cannot be written: {where}: {reason}", hint="see df")
    return TaskInterrupted(
        f"a disk of this host cannot be written: {disk.path} ({disk.option}): {reason}",
        hint=f"make room there, or set {disk.option} to another place",
    )


def _disk_of(config: Config, error: OSError) -> Disk | None:
    # What is written to comes second, where there are two. An error of a write does not even say which file.
    for name in filter(_is_name, (error.filename2, error.filename)):
        path = Path(os.fsdecode(name))
        inside = [disk for disk in _most_specific_first(config) if path.is_relative_to(disk.path)]
        if inside:
            return inside[0]
    return next((disk for disk in own_disks(config) if disk.problem()), None)


def _is_name(name: object) -> bool:
    return isinstance(name, str | bytes) and bool(name)


def _most_specific_first(config: Config) -> Iterator[Disk]:
    yield from sorted(own_disks(config), key=lambda disk: len(disk.path.parts), reverse=True)
