"""The directories that the daemon and its tasks write to on this host, and whether there is room in them.

The engine's storage is not among them: see minspace (koji_adjutant.daemon.readiness). What is asked for here is little,
so that a host is not ready when its next task would fail at once, and at no other time.
"""

import ctypes
import errno
import math
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.errors import AdjutantError, ConfigError, DiskFull, Problem, TaskInterrupted

LEAST_BYTES = 64 << 20
LEAST_STATE_BYTES = 4 << 20
LEAST_FILES = 500
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})
"""What a disk says that is full, or broken."""
SAID_BY_PROGRAMS = re.compile(
    rb"No space left on device|Disk quota exceeded|needs \d+[KMGT]?B (more space )?on the|cpio: write failed - "
)
"""What the programs that we start, rpm included, print about a full disk. rpm often does not say why it failed.

Code of packages can print it too: it is a reason to look at the disk, never to believe."""


@dataclass(frozen=True, kw_only=True)
class Disk:
    """A directory that the daemon or its tasks write to, and the option that names it. `least` in bytes."""

    option: str
    path: Path
    least: int = LEAST_BYTES

    def problem(self) -> Problem | None:
        """What the disk lacks; None when there is room."""
        try:
            status = os.statvfs(_existing(self.path))
        except OSError as error:
            return Problem(f"{self.option} {self.path} cannot be used: {error.strerror}")
        free = status.f_bavail * status.f_frsize
        if free < self.least:
            return Problem(
                f"Insufficient disk space at {self.path} ({self.option}): "
                f"{free >> 20} MB, {self.least >> 20} MB are needed"
            )
        # Some file systems do not count files.
        if status.f_files and status.f_favail < LEAST_FILES:
            return Problem(
                f"Insufficient disk space at {self.path} ({self.option}): room for {status.f_favail} files"
            )
        if status.f_flag & os.ST_RDONLY:
            return Problem(f"{self.option} {self.path} is read-only")
        return None


def _existing(path: Path) -> Path:
    """`path`, or the nearest directory above that exists: `path` itself is made when it is needed."""
    return next((one for one in (path, *path.parents) if one.exists()), path)


def free_bytes(path: Path) -> int | None:
    """Bytes that are free where `path` is; None when it is not on this machine."""
    try:
        status = os.statvfs(path)
    except OSError:
        return None
    return status.f_bavail * status.f_frsize


def file_system(path: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str:
    """The kind of the file system that `path` is on (`ext4`, `nfs4`); empty when it is not known."""
    kinds = {}
    for line in mounts.read_text().splitlines():
        before, _, after = line.partition(" - ")
        # Blanks in names are \\040, which no prefix of ours has.
        kinds[Path(before.split()[4])] = after.split()[0]
    return next((kinds[place] for place in (path.resolve(), *path.resolve().parents) if place in kinds), "")


def is_full(path: Path) -> bool:
    """Whether `path` is on a disk of this machine, on which nothing more can be done."""
    free = free_bytes(path)
    return free is not None and free < LEAST_BYTES


def written_by(owner: int, directory: Path, enough: float, *, deadline: float = math.inf) -> int:
    """Bytes of the files below `directory` that belong to `owner`, counted until there are `enough`. TimeoutError when
    `deadline` (monotonic) has come before."""
    total, seen, directories = 0, set[int](), [os.fspath(directory)]
    while directories and total < enough:
        if time.monotonic() >= deadline:
            raise TimeoutError(f"{directory} has more files than can be counted")
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


def sync(directory: Path) -> bool:
    """Have all that was written to the file system of `directory` on its disk; whether we can. OSError: it is not.

    It takes as long as the disk takes: for helpers.
    """
    try:
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except (FileNotFoundError, PermissionError):
        return False
    try:
        library = ctypes.CDLL(None, use_errno=True)
        if library.syncfs(handle):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(directory))
    finally:
        os.close(handle)
    return True


def problem(disks: Sequence[Disk]) -> Problem | None:
    """What the first of `disks` lacks that lacks something; None when there is room everywhere."""
    return next((found for disk in disks if (found := disk.problem())), None)


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


def require_own(option: str, directory: Path) -> None:
    """ConfigError for one of our directories that is another user's: root's, of a daemon that ran before.

    A disk that is full or read-only is no mistake of whoever named it: the host is not ready until it is not.
    """
    try:
        with os.scandir(directory), tempfile.TemporaryFile(dir=directory):
            pass
    except PermissionError as error:
        hint = f"chown -R {os.geteuid()} {directory}, or set {option}"
        raise unusable(
            f"{option} {directory} cannot be used by user {os.geteuid()}", error, hint=hint
        ) from error
    except OSError:
        return


def interrupted(disks: Sequence[Disk], error: OSError) -> TaskInterrupted:
    """What to say of a task that met with `error`: which of `disks` it is, as far as can be known.

    Of an error without a file name the first of them is named.
    """
    disk = _disk_of(disks, error)
    reason = (error.strerror or str(error)).lower()
    if disk is None:
        where = error.filename or disks[0].path
        return TaskInterrupted(f"a disk of this host cannot be written: {where}: {reason}", hint="see df")
    return TaskInterrupted(
        f"a disk of this host cannot be written: {disk.path} ({disk.option}): {reason}",
        hint=f"make room there, or set {disk.option} to another place",
    )


def _disk_of(disks: Sequence[Disk], error: OSError) -> Disk | None:
    # What is written to comes second, where there are two. An error of a write does not even say which file.
    for name in filter(_is_name, (error.filename2, error.filename)):
        path = Path(os.fsdecode(name))
        inside = [disk for disk in _most_specific_first(disks) if path.is_relative_to(disk.path)]
        if inside:
            return inside[0]
    return next((disk for disk in disks if disk.problem()), None)


def _is_name(name: object) -> bool:
    return isinstance(name, str | bytes) and bool(name)


def _most_specific_first(disks: Sequence[Disk]) -> Iterator[Disk]:
    yield from sorted(disks, key=lambda disk: len(disk.path.parts), reverse=True)
