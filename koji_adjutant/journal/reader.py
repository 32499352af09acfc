"""Reading a journal while others write and rotate it: what there is, and what comes.

A reader holds each file open by what it is, not by its name, so that a rotation, a line that comes late to a file that
was rotated, or another file in its place changes nothing: each line is read once, in the order of its file, older files
first. A line without its end is left until that comes. What is no event is passed over and counted. A file that was
emptied is read from its beginning again. A reader belongs to one thread and writes nothing.

Where a reader is can be kept (`places`), for one that begins there after a restart, whatever was renamed meanwhile.
"""

import hashlib
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

from koji_adjutant.journal.file import Event, Unread, decoded, file_names

CHUNK = 1 << 20
LONGEST_LINE = 1 << 20
"""What is longer is no line, and is not kept in memory."""
_MARK = 64
_HEAD = 256

logger = logging.getLogger("koji.adjutant.journal")

Identity = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """How many lines say nothing: those that are torn, and those of a newer version."""

    torn: int = 0
    newer: int = 0

    def __bool__(self) -> bool:
        return bool(self.torn or self.newer)


@dataclass(frozen=True, kw_only=True)
class Place:
    """How far a file was read. It is known by what is in it: a number of the file system may be another's tomorrow."""

    offset: int
    head: str
    """A digest of its first bytes, of those that were read."""
    mark: str
    """A digest of the last that were read."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a journal has to say, oldest first, and what of it says nothing."""

    events: tuple[Event, ...]
    skipped: Skipped


class _OpenFile:
    """One file of a journal, and how far it was read: to the end of a line."""

    def __init__(self, handle: int, *, chunk: int, longest_line: int) -> None:
        self._handle = handle
        self._chunk = chunk
        self._longest_line = longest_line
        self._offset = 0
        self._mark = b""
        """What stands before the offset: a file that was emptied and written anew has something else there."""
        self._is_in_long_line = False

    def place(self) -> Place:
        """How far it was read."""
        return self._place_at(self._offset)

    def go_on_at(self, places: Sequence[Place]) -> None:
        """Begin at the one that is of this file, if one is."""
        for place in sorted(places, key=lambda one: one.offset, reverse=True):
            if place.offset and place == self._place_at(place.offset):
                self._offset = place.offset
                self._mark = self._bytes_before(place.offset)
                return

    def lines(self) -> Iterator[bytes]:
        """Those that are complete and were not given out yet, without empty ones; one that is too long is empty."""
        if not self._is_where_it_was():
            self._offset, self._mark, self._is_in_long_line = 0, b"", False
        rest = b""
        while chunk := os.pread(self._handle, self._chunk, self._offset + len(rest)):
            *complete, rest = (rest + chunk).split(b"\n")
            for line in complete:
                # Before it is given out: who takes it may not come back.
                self._pass(line + b"\n")
                is_too_long = self._is_in_long_line or len(line) > self._longest_line
                self._is_in_long_line = False
                if line or is_too_long:
                    yield b"" if is_too_long else line
            if len(rest) > self._longest_line:
                self._pass(rest)
                rest, self._is_in_long_line = b"", True

    def is_removed(self) -> bool:
        """Whether it has no name any more."""
        return os.fstat(self._handle).st_nlink == 0

    def has_tail(self) -> bool:
        """Whether it ends with something that is no line."""
        return os.fstat(self._handle).st_size > self._offset

    def close(self) -> None:
        os.close(self._handle)

    def _pass(self, read: bytes) -> None:
        self._offset += len(read)
        self._mark = (self._mark + read)[-_MARK:]

    def _is_where_it_was(self) -> bool:
        before = os.pread(self._handle, len(self._mark), self._offset - len(self._mark))
        return before == self._mark

    def _place_at(self, offset: int) -> Place:
        head = os.pread(self._handle, min(_HEAD, offset), 0)
        return Place(offset=offset, head=_digest(head), mark=_digest(self._bytes_before(offset)))

    def _bytes_before(self, offset: int) -> bytes:
        size = min(_MARK, offset)
        return os.pread(self._handle, size, offset - size)


class JournalReader:
    """Reads the journal of `path` on and on; to be closed."""

    def __init__(
        self,
        path: Path,
        *,
        places: Sequence[Place] = (),
        chunk: int = CHUNK,
        longest_line: int = LONGEST_LINE,
        is_old: Callable[[bytes], bool] | None = None,
    ) -> None:
        """`places`: where an earlier reader was; `chunk`: bytes that are read at a time; a longer line is none;
        `is_old`: which lines are passed over as if they were not there."""
        self._path = path
        self._places = places
        self._chunk = chunk
        self._longest_line = longest_line
        self._is_old = is_old
        self._files: dict[Identity, _OpenFile] = {}
        """The oldest first."""
        self._torn = 0
        self._newer = 0

    @property
    def skipped(self) -> Skipped:
        """What was passed over so far."""
        return Skipped(torn=self._torn, newer=self._newer)

    @property
    def places(self) -> tuple[Place, ...]:
        """How far each file was read whose events were given out, the oldest first."""
        return tuple(place for file in self._files.values() if (place := file.place()).offset)

    def close(self) -> None:
        """Let go of all files."""
        for file in self._files.values():
            file.close()
        self._files.clear()

    def new_events(self) -> Iterator[Event]:
        """What was written since the last time; all that is kept, at first. OSError, and it may be tried again."""
        self._look()
        for identity, file in list(self._files.items()):
            # Asked before it is read: nobody writes to it afterwards who does not have it open now.
            is_removed = file.is_removed()
            for line in file.lines():
                event = self._event(line)
                if event is not None:
                    yield event
            if is_removed:
                self._torn += file.has_tail()
                file.close()
                del self._files[identity]

    def follow(self, wait: Callable[[], bool]) -> Iterator[Event]:
        """All that is kept and all that comes. `wait` is called when there is no more, and says whether to go on."""
        while True:
            yield from self.new_events()
            if not wait():
                return

    def _look(self) -> None:
        """See which files there are: in the direction in which they are renamed, so that none is missed."""
        found: list[Identity] = []
        for name in file_names(self._path):
            identity = self._file_of(name)
            if identity is not None and identity not in found:
                found.append(identity)
        # One without a known name was removed, or moved elsewhere by hand: it is older than all that have one.
        nameless = [identity for identity in self._files if identity not in found]
        self._files = {identity: self._files[identity] for identity in (*nameless, *reversed(found))}

    def _file_of(self, name: Path) -> Identity | None:
        try:
            status = name.stat()
            if not S_ISREG(status.st_mode):
                return None
            return _identity(status) if _identity(status) in self._files else self._open(name)
        except FileNotFoundError:
            return None

    def _open(self, name: Path) -> Identity:
        handle = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        identity = _identity(os.fstat(handle))
        if identity in self._files:
            # Renamed since it was looked at.
            os.close(handle)
        else:
            made = _OpenFile(handle, chunk=self._chunk, longest_line=self._longest_line)
            made.go_on_at(self._places)
            self._files[identity] = made
        return identity

    def _event(self, line: bytes) -> Event | None:
        if self._is_old is not None and self._is_old(line):
            return None
        found = decoded(line)
        if isinstance(found, Event):
            return found
        if found is Unread.NEWER:
            self._newer += 1
        else:
            self._torn += 1
        return None


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


def _identity(status: os.stat_result) -> Identity:
    return status.st_dev, status.st_ino


def read(path: Path) -> Reading:
    """All that is kept of a journal."""
    with closing(JournalReader(path)) as reader:
        events = tuple(reader.new_events())
        return Reading(events=events, skipped=reader.skipped)


def read_journal(path: Path) -> list[Event]:
    """All events of a journal, oldest first; that lines were skipped is logged."""
    reading = read(path)
    if reading.skipped:
        logger.warning(
            "journal %s: %d lines are torn and skipped, %d are of a newer version",
            path,
            reading.skipped.torn,
            reading.skipped.newer,
        )
    return list(reading.events)
