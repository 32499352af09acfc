"""The daemon's public files, read again when they have changed; and the logs below them, which nobody leaves.

A file that is replaced has another inode, so that whoever asks for facts pays for a stat. Nothing here follows a
symlink: the directory belongs to the daemon, but a name in it may be what a package has said. Belongs to one thread.
"""

import os
from collections.abc import Callable
from pathlib import Path
from stat import S_ISREG
from typing import Generic, TypeVar

from koji_adjutant.errors import AdjutantError
from koji_adjutant.journal.public import TaskFacts, logs_directory
from koji_adjutant.monitoring.views import LogView
from koji_adjutant.names import file_name

_F = TypeVar("_F")
Look = tuple[int, int, int]


class NoSuchLog(AdjutantError):
    """A name that no log of the task has."""


class Watched(Generic[_F]):
    """What one file says now."""

    def __init__(self, path: Path, read: Callable[[Path], _F | None]) -> None:
        self._path = path
        self._read = read
        self._seen: Look | None = None
        self._facts: _F | None = None

    def get(self) -> _F | None:
        """None when it is not there, or not understood."""
        look = look_at(self._path)
        if look is None or look != self._seen:
            # Looked at before it is read: what is written in between is read once more.
            self._seen, self._facts = look, None if look is None else self._read(self._path)
        return self._facts


def look_at(path: Path) -> Look | None:
    """What changes when a file is replaced; None when it is not there."""
    try:
        status = path.stat(follow_symlinks=False)
    except OSError:
        return None
    return (status.st_ino, status.st_mtime_ns, status.st_size) if S_ISREG(status.st_mode) else None


def log_path(state_dir: Path, facts: TaskFacts | None, name: str) -> Path | None:
    """The file of a log that its task has said to have; None for every other name."""
    if facts is None or name not in facts.logs:
        return None
    try:
        plain = file_name(name, "log", NoSuchLog)
    except NoSuchLog:
        return None
    return logs_directory(state_dir, facts.task) / plain


def open_log(path: Path) -> int | None:
    """A handle of a log, to be closed; None when it is no plain file in its directory, or not there."""
    try:
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        handle = os.open(
            path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory
        )
    except OSError:
        return None
    finally:
        os.close(directory)
    if not S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        return None
    return handle


def logs_of(state_dir: Path, facts: TaskFacts) -> tuple[LogView, ...]:
    """The logs of a task that are there."""
    paths = {name: log_path(state_dir, facts, name) for name in facts.logs}
    looks = {name: look_at(path) for name, path in paths.items() if path is not None}
    return tuple(LogView(name=name, size=look[2]) for name, look in looks.items() if look is not None)
