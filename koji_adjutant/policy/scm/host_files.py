"""Files of this host that a checkout wants: read by the daemon, handed on as bytes, and told by their paths alone.

What is not there is no error: each is an option whose default is where programs look for it. What is there and cannot
be read is said, and is not there for the checkout, as for a program of the daemon's user.
"""

import os
import stat
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

LARGEST = 1 << 20
"""Bytes of a file: what is larger is no configuration."""


class State(StrEnum):
    """What was found at a path."""

    GIVEN = "present, readable"
    ABSENT = "not present"
    UNREADABLE = "present, not readable by the daemon"
    UNFIT = "present, no file, or larger than 1 MiB"


@dataclass(frozen=True, kw_only=True)
class Found:
    """A path that was looked at, and for which option."""

    option: str
    path: Path
    state: State
    note: str = ""
    """What else is to be known of it; never of what it says."""

    def __str__(self) -> str:
        said = f"{self.option}: {self.path}: {self.state}"
        return f"{said}; {self.note}" if self.note else said


@dataclass(frozen=True, kw_only=True)
class HostFile:
    """A path, what was found there, and what it says."""

    found: Found
    content: bytes = b""

    @property
    def given(self) -> bool:
        """Whether there is something to hand on."""
        return self.found.state is State.GIVEN


def read(option: str, path: Path) -> HostFile:
    """The file at `path`, which may begin with ~."""
    place = path.expanduser()
    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return _without(option, place, State.ABSENT)
    except OSError:
        return _without(option, place, State.UNREADABLE)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
            return _without(option, place, State.UNFIT)
        content = b"".join(iter(lambda: os.read(descriptor, LARGEST), b""))
    finally:
        os.close(descriptor)
    return HostFile(found=Found(option=option, path=place, state=State.GIVEN), content=content)


def look(option: str, path: Path) -> Found:
    """What is at `path`, be it a file or a directory, which is mounted and not read."""
    place = path.expanduser()
    if not place.exists():
        return Found(option=option, path=place, state=State.ABSENT)
    wanted = os.R_OK | os.X_OK if place.is_dir() else os.R_OK
    readable = os.access(place, wanted, effective_ids=True)
    return Found(option=option, path=place, state=State.GIVEN if readable else State.UNREADABLE)


def _without(option: str, path: Path, state: State) -> HostFile:
    return HostFile(found=Found(option=option, path=path, state=state))
