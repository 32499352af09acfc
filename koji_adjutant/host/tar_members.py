"""Tar streams of others, read member by member: what a tree of files needs, and nothing else of the format.

Python's own reader takes headers of any length into memory, keeps a record of each member, and follows maps of sparse
files wherever they lead: no stream may do that to the daemon. This one holds a header and one piece of a file, whatever
the stream is. Names are bytes, as file systems have them. What is neither a directory, a plain file nor a symbolic link
is a kind that a message can name; that it is refused is the reader's business. A reader is used up by one pass.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import BinaryIO

from koji_adjutant import names
from koji_adjutant.errors import UnpackRefused

BLOCK = 512
PIECE = 1 << 20
HEADER_LIMIT = 64 << 10
"""Bytes of the names and records that may come before a member: no file system takes a name of that length."""
TRAILER_LIMIT = 1 << 20
"""Bytes after the end of an archive: writers fill up to a record, of 10 KiB at most by default."""
_EMPTY = bytes(BLOCK)
_LONG_NAME, _LONG_LINK, _RECORDS = b"L", b"K", b"x"
_SPARSE = b"GNU.sparse."


class Kind(Enum):
    """What a member is."""

    FILE = "a file"
    DIRECTORY = "a directory"
    SYMLINK = "a symbolic link"
    HARD_LINK = "a hard link"
    DEVICE = "a device"
    FIFO = "a fifo"
    SPARSE = "a sparse file"
    OTHER = "of no known kind"


_KINDS = {
    b"0": Kind.FILE,
    b"\0": Kind.FILE,
    b"7": Kind.FILE,
    b"5": Kind.DIRECTORY,
    b"2": Kind.SYMLINK,
    b"1": Kind.HARD_LINK,
    b"3": Kind.DEVICE,
    b"4": Kind.DEVICE,
    b"6": Kind.FIFO,
    b"S": Kind.SPARSE,
}


@dataclass(frozen=True, kw_only=True)
class Member:
    """The header of one member. `size` is that of the content that follows, `link` where a link leads."""

    name: bytes
    kind: Kind
    mode: int = 0o644
    size: int = 0
    link: bytes = b""

    @property
    def shown(self) -> str:
        """The name as a message quotes it."""
        return names.shown(self.name.decode(errors="surrogateescape"))


class TarMembers:
    """The members of one stream. `content` is to be read before the next member; what is left of it is skipped."""

    def __init__(self, stream: BinaryIO | Iterable[bytes]) -> None:
        self._pieces: Iterator[bytes] = (
            iter(partial(stream.read, PIECE), b"") if hasattr(stream, "read") else iter(stream)
        )
        self._piece = memoryview(b"")
        self._left = self._padding = 0
        self._name = b""

    def __iter__(self) -> Iterator[Member]:
        """UnpackRefused where the stream is no archive, or is cut off."""
        while (member := self._member()) is not None:
            self._name, self._left, self._padding = member.name, member.size, -member.size % BLOCK
            yield member
            for _ in self.content():
                pass
            self._exactly(self._padding)
        self._end()

    def content(self) -> Iterator[memoryview]:
        """The content of the member that came last, in pieces."""
        while self._left:
            piece = self._some(self._left)
            self._left -= len(piece)
            yield piece

    def _member(self) -> Member | None:
        """The next member, with what the headers before its own say of it; None at the end."""
        long: dict[bytes, bytes] = {}
        spent = 0
        while (header := self._header()) is not None:
            kind, size = header[156:157], _number(header[124:136], "size")
            if kind not in {_LONG_NAME, _LONG_LINK, _RECORDS}:
                return _described(header, size, long)
            spent += size + BLOCK
            if spent > HEADER_LIMIT:
                raise UnpackRefused(f"an archive has a name or record of {size} bytes{self._after()}")
            data = self._exactly(size)
            self._exactly(-size % BLOCK)
            long.update(_records(data) if kind == _RECORDS else {kind: data.rstrip(b"\0")})
        if long:
            raise UnpackRefused(f"an archive ends with a name that belongs to nothing{self._after()}")
        return None

    def _header(self) -> bytes | None:
        header = self._exactly(BLOCK)
        if header == _EMPTY:
            return None
        if _checksum(header) != _number(header[148:156], "checksum"):
            raise UnpackRefused(f"an archive is damaged: no header of a member{self._after()}")
        return header

    def _exactly(self, size: int) -> bytes:
        """The next `size` bytes, of which there are few."""
        found = bytearray()
        while len(found) < size:
            found += self._some(size - len(found))
        return bytes(found)

    def _some(self, limit: int) -> memoryview:
        """Some of the next bytes, at most `limit`."""
        while not self._piece:
            piece = next(self._pieces, None)
            if piece is None:
                raise UnpackRefused(f"an archive is cut off{self._after()}")
            self._piece = memoryview(piece)
        found, self._piece = self._piece[:limit], self._piece[limit:]
        return found

    def _end(self) -> None:
        """Take what the writer has filled up with, so that it never meets a closed pipe."""
        size = len(self._piece)
        for piece in self._pieces:
            size += len(piece)
            if size > TRAILER_LIMIT:
                raise UnpackRefused(f"an archive goes on after its end{self._after()}")

    def _after(self) -> str:
        return f" after {names.shown(self._name.decode(errors='surrogateescape'))}" if self._name else ""


def _described(header: bytes, size: int, long: dict[bytes, bytes]) -> Member:
    kind = _KINDS.get(header[156:157], Kind.OTHER)
    if any(key.startswith(_SPARSE) for key in long):
        kind = Kind.SPARSE
    name = _text(header[:100])
    if header[257:263] == b"ustar\0" and header[345:346] != b"\0":
        name = _text(header[345:500]) + b"/" + name
    if b"size" in long:
        size = _decimal(long[b"size"], "size")
    return Member(
        name=long.get(b"path", long.get(_LONG_NAME, name)),
        kind=kind,
        mode=_number(header[100:108], "mode") & 0o7777,
        # A link may have a size, of what it leads to, and no content.
        size=size if kind not in {Kind.DIRECTORY, Kind.SYMLINK, Kind.HARD_LINK} else 0,
        link=long.get(b"linkpath", long.get(_LONG_LINK, _text(header[157:257]))),
    )


def _records(data: bytes) -> dict[bytes, bytes]:
    """The records of a pax header: each is its own length, a key and a value."""
    found = {}
    at = 0
    while at < len(data):
        digits = data[at : data.find(b" ", at, at + 8)]
        length = _decimal(digits, "record")
        record = data[at + len(digits) + 1 : at + length]
        key, equals, value = record[:-1].partition(b"=")
        if not equals or record[-1:] != b"\n" or at + length > len(data):
            raise UnpackRefused("an archive is damaged: a record of a member is no record")
        found[key] = value
        at += length
    return found


def _checksum(header: bytes) -> int:
    return sum(header) - sum(header[148:156]) + 8 * ord(" ")


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _number(field: bytes, what: str) -> int:
    """A number as headers have it: octal digits, or, where these do not do, a mark and binary digits."""
    if field[0] == 0x80:  # noqa: PLR2004 - the mark of a number that is not negative
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    if not digits:
        return 0
    if not all(digit in b"01234567" for digit in digits):
        raise UnpackRefused(f"an archive is damaged: the {what} of a member is no number")
    return int(digits, 8)


def _decimal(digits: bytes, what: str) -> int:
    if not digits.isdigit() or len(digits) > 20:  # noqa: PLR2004 - more than any size of 64 bits has
        raise UnpackRefused(f"an archive is damaged: the {what} of a member is no number")
    return int(digits)
