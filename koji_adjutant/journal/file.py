"""The journal on disk: `<state_dir>/journal`, and what was there before it, `journal.1` (the youngest) and so on.

Any process of the daemon appends: it opens the file by its name for each line, and writes the line at once, so lines of
several processes do not mix, and after a rotation the next line goes to the new file. One that was opened just before
gets its line late; a reader finds it there. A line that was cut off stays as it is: the next begins behind a newline of
its own. The main process, which has the lock of the state directory, rotates the journal, when it writes and the file
has grown long. That is a few renames, and nobody waits.

A journal that cannot be written is a warning now and then, and harms nobody; how many events were lost is an event.

A line is one JSON object, with the version of its form in `v`:

| field | since | what |
|---|---|---|
| `v` | 2 | version; a line without one is of version 1 |
| `time` | 1 | time of day, UTC, ISO 8601 with milliseconds |
| `boot_id`, `since_boot` | 2 | the boot of the machine, and seconds since: how much later one event was than another |
| `pid` | 2 | the process that wrote the line |
| `event` | 2 | its name (koji_adjutant.journal.phases); `phase` in version 1 |
| `task`, `container` | 1 | the task and the full id of the container that it is about; left out when of none |
| `details` | 2 | an object: what else there is to say; in version 1 beside the other fields |

An event that was not there before, or a new key in `details`, makes no new version: a reader passes over what it does
not know. A field that is gone or means something else does. What hub, packages and programs say is data: JSON escapes
it, and here it is cut to a bearable length, and passwords are taken out of its URLs.
"""

import errno
import json
import logging
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum, auto
from pathlib import Path
from types import MappingProxyType
from typing import Any

from koji_adjutant.host.files import boot_id, since_boot
from koji_adjutant.host.groups import share
from koji_adjutant.journal.phases import EventName, HostEvent
from koji_adjutant.names import without_passwords

VERSION = 2
TEXT_LIMIT = 2000
"""Characters of a string."""
ITEMS_LIMIT = 100
"""Of a list or an object in `details`."""
DEPTH_LIMIT = 4
LINE_LIMIT = 32768
"""Bytes of a line; one that is longer has no details."""
_WITHOUT_VERSION = 1
_OWN_KEYS = frozenset({"time", "task", "phase", "container"})
"""Of version 1."""
ROTATE_BYTES = 8 << 20
"""A build has some twenty lines of 200 bytes."""
KEPT = 8
"""Files besides the one that is written."""
COMPLAIN_SECONDS = 300.0
FILE_MODE = 0o600
SHARED_MODE = 0o640
"""Where a group may read it."""

logger = logging.getLogger("koji.adjutant.journal")


# Lines


@dataclass(frozen=True, kw_only=True)
class Event:
    """One line of a journal. `name` may be one that this version does not know."""

    time: datetime
    name: str
    task: int | None = None
    container: str = ""
    details: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    boot_id: str = ""
    """Empty, as `since_boot` and `pid`, in a line of version 1."""
    since_boot: float | None = None
    pid: int = 0


class Unread(Enum):
    """Why a line is no event."""

    TORN = auto()
    """Cut off, by a full disk or a power failure, or none of ours."""
    NEWER = auto()
    """Of a version that is to come."""


def encoded(event: Event) -> bytes:
    """The line, with its end."""
    line: dict[str, Any] = {
        "v": VERSION,
        "time": event.time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "boot_id": event.boot_id,
        "since_boot": None if event.since_boot is None else math.floor(event.since_boot * 1000) / 1000,
        "pid": event.pid,
        "event": event.name,
    }
    if event.task is not None:
        line["task"] = event.task
    if event.container:
        line["container"] = bounded(event.container)
    if event.details:
        line["details"] = bounded(event.details)
    text = json.dumps(line)
    if len(text) > LINE_LIMIT:
        line["details"] = {"left_out_bytes": len(text)}
        text = json.dumps(line)
    return text.encode() + b"\n"


def bounded(value: object, depth: int = DEPTH_LIMIT) -> Any:
    """A JSON value of bearable size for `value`; what JSON has no word for becomes text."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping) and depth:
        items = list(value.items())[:ITEMS_LIMIT]
        return {_cut(str(key)): bounded(one, depth - 1) for key, one in items}
    if isinstance(value, list | tuple | set | frozenset) and depth:
        return [bounded(one, depth - 1) for one in list(value)[:ITEMS_LIMIT]]
    return _cut(str(value))


def _cut(text: str) -> str:
    whole = without_passwords(text)
    if len(whole) <= TEXT_LIMIT:
        return whole
    return f"{whole[:TEXT_LIMIT]}... ({len(whole)} characters)"


def decoded(line: bytes) -> Event | Unread:
    """The event of a line without its end."""
    try:
        # Of text, which it need not guess the encoding of.
        data = json.loads(str(line, "utf-8"))
        version = data.get("v", _WITHOUT_VERSION)
        if isinstance(version, int) and version > VERSION:
            return Unread.NEWER
        return _event_before_versions(data) if version == _WITHOUT_VERSION else _event(data)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Unread.TORN


def _event(data: Mapping[str, Any]) -> Event:
    task, since_boot = data.get("task"), data["since_boot"]
    return Event(
        time=_time(data["time"]),
        name=_text(data["event"]),
        task=None if task is None else _number(task),
        container=_text(data.get("container", "")),
        details=MappingProxyType({**data.get("details", {})}),
        boot_id=_text(data["boot_id"]),
        since_boot=None if since_boot is None else float(since_boot),
        pid=_number(data["pid"]),
    )


def _event_before_versions(data: Mapping[str, Any]) -> Event:
    task = data["task"]
    details = {key: value for key, value in data.items() if key not in _OWN_KEYS}
    return Event(
        time=_time(data["time"]),
        name=_text(data["phase"]),
        task=None if task is None else _number(task),
        container=_text(data["container"]),
        details=MappingProxyType(details),
    )


def _time(value: Any) -> datetime:
    found = datetime.fromisoformat(value)
    # One without a zone could not be compared with the others.
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _number(value: Any) -> int:
    if not isinstance(value, int):
        raise TypeError
    return value


# Files


def file_names(path: Path) -> Iterator[Path]:
    """The files of a journal that may be there, the youngest first: in the direction in which rotation moves them."""
    yield path
    for number in range(1, KEPT + 1):
        yield _kept(path, number)
    yield _kept_by_version_1(path)


def _kept(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")


def _kept_by_version_1(path: Path) -> Path:
    return path.with_name(f"{path.name}.old")


class FileJournal:
    """Writes events to a file; for as long as the daemon lives, in all its processes."""

    def __init__(
        self,
        path: Path,
        *,
        rotate_bytes: int | None = None,
        group: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`rotate_bytes`: this process rotates a file that is longer. One process of a journal may.

        `group`: who may read it besides its owner.
        """
        self._path = path
        self._group = group
        self._rotate_bytes = rotate_bytes
        self._clock = clock
        self._boot_id = boot_id()
        self._owner = os.getpid()
        self._lost = 0
        self._lost_by = 0
        """By pid: a process that is forked has lost nothing yet."""
        self._complain_at = clock()

    def record(
        self, name: EventName, /, *, task: int | None = None, container: str = "", **details: object
    ) -> None:
        """Write one event."""
        lost = self._lost if self._lost_by == os.getpid() else 0
        try:
            size = self._append(self._line(name, task, container, details))
            if lost:
                self._append(self._line(HostEvent.EVENTS_LOST, None, "", {"events": lost}))
                self._lost = 0
        except OSError as error:
            self._lost, self._lost_by = lost + 1, os.getpid()
            self._complain("journal %s cannot be written: %s", error)
        else:
            if self._rotate_bytes is not None and size >= self._rotate_bytes and os.getpid() == self._owner:
                self._rotate()

    def rotate(self) -> None:
        """Make room for a new file, and forget the oldest. OSError."""
        with suppress(FileNotFoundError):
            self._keep_old()
        for number in range(KEPT - 1, 0, -1):
            with suppress(FileNotFoundError):
                _kept(self._path, number).rename(_kept(self._path, number + 1))
        with suppress(FileNotFoundError):
            self._path.rename(_kept(self._path, 1))

    def _rotate(self) -> None:
        try:
            self.rotate()
        except OSError as error:
            self._complain("journal %s cannot be rotated: %s", error)

    def _keep_old(self) -> None:
        """What an earlier version has put aside becomes one of the files."""
        if not _kept(self._path, 1).exists():
            _kept_by_version_1(self._path).rename(_kept(self._path, 1))

    def _line(self, name: EventName, task: int | None, container: str, details: dict[str, object]) -> bytes:
        return encoded(
            Event(
                time=datetime.now(UTC),
                name=name.value,
                task=task,
                container=container,
                details=details,
                boot_id=self._boot_id,
                since_boot=since_boot(),
                pid=os.getpid(),
            )
        )

    def _append(self, line: bytes) -> int:
        """How long the file was before."""
        handle = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        try:
            size = self._size(handle)
            if size and os.pread(handle, 1, size - 1) != b"\n":
                line = b"\n" + line
            if os.write(handle, line) < len(line):
                # The disk is full, or was for a moment; somebody else may have written behind the piece.
                again = b"\n" + line.lstrip(b"\n")
                if os.write(handle, again) < len(again):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(handle)
        return size

    def _size(self, handle: int) -> int:
        found = os.fstat(handle)
        if self._group is not None and not found.st_size:
            with suppress(OSError):
                share(handle, self._group, SHARED_MODE)
        return found.st_size

    def _complain(self, text: str, error: OSError) -> None:
        now = self._clock()
        if now >= self._complain_at:
            self._complain_at = now + COMPLAIN_SECONDS
            logger.warning(text, self._path, error)
