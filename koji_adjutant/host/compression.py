"""Reading what gzip, bzip2, xz or zstd has compressed, or nothing has: the one place that knows how.

What a file is compressed with is told by its first bytes, never by its name. It is expanded while it is read, and not
beyond the limit that the reader sets: what a few bytes become is nobody's to choose but the reader's. The same holds
for the memory that a file asks for to be expanded with. Nothing is written anywhere; an open file belongs to whoever
has opened it.
"""

import bz2
import io
import lzma
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Protocol

from koji_adjutant.errors import ExpansionFailed

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

BLOCK = 1 << 16
MEMORY = 1 << 27
"""Bytes of memory that expanding may take: `xz -9` asks for half as many, and this is zstd's own default."""


class _Decompressor(Protocol):
    """What the standard library's decompressors have in common."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gzip:
    """The decompressor of gzip: zlib's, made to keep what it could not take yet, as those of the other formats do."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)


class _Plain:
    """The "decompressor" of a file that is not compressed."""

    eof = False
    unused_data = b""

    def __init__(self) -> None:
        self._left = b""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        text = self._left + data
        self._left = text[max_length:]
        return text[:max_length]


_FORMATS: tuple[tuple[bytes, Callable[[], _Decompressor]], ...] = (
    (b"\x1f\x8b", _Gzip),
    (b"BZh", bz2.BZ2Decompressor),
    (b"\xfd7zXZ\x00", lambda: lzma.LZMADecompressor(memlimit=MEMORY)),
    (
        b"\x28\xb5\x2f\xfd",
        lambda: zstd.ZstdDecompressor(
            options={zstd.DecompressionParameter.window_log_max: MEMORY.bit_length() - 1}
        ),
    ),
)
_FOREIGN = {
    b"\0ZCK1": "zchunk",
    b"\x04\x22\x4d\x18": "lz4",
    b"\x5d\0\0": "lzma",
    b"LZIP": "lzip",
    b"PK\x03\x04": "zip",
    b"7z\xbc\xaf\x27\x1c": "7z",
}
"""What others compress with, by its first bytes: it is named, and not read."""
_CONTROL = frozenset(range(32)) - frozenset(b"\t\n\r\f")
_HEAD = max(len(magic) for magic, _make in _FORMATS)
_DAMAGED = (zlib.error, lzma.LZMAError, zstd.ZstdError, OSError, EOFError, ValueError)


class _Expanded(io.RawIOBase):
    """The content of a compressed stream."""

    def __init__(self, stream: IO[bytes], name: str, limit: int) -> None:
        self._stream, self._name, self._limit = stream, name, limit
        self._given = 0
        head = stream.read(_HEAD)
        self._make = next((make for magic, make in _FORMATS if head.startswith(magic)), _Plain)
        self._decompressor = self._make()
        self._input = head
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        text = self._next(len(buffer))
        self._given += len(text)
        if self._given > self._limit:
            raise ExpansionFailed(f"{self._name} expands to more than {self._limit:,} bytes")
        buffer[: len(text)] = text
        return len(text)

    def _next(self, length: int) -> bytes:
        while not self._ended:
            try:
                text = self._decompressor.decompress(self._input, length)
            except _DAMAGED as error:
                raise ExpansionFailed(f"{self._name} cannot be expanded: {error}") from error
            self._input = b""
            if self._decompressor.eof:
                self._begin_anew()
            elif not text:
                self._refill()
            if text:
                return text
        return b""

    def _begin_anew(self) -> None:
        """Go on with the next compressed stream of the file, where one follows."""
        self._input = self._decompressor.unused_data or self._stream.read(BLOCK)
        self._decompressor = self._make()
        self._ended = not self._input

    def _refill(self) -> None:
        self._input = self._stream.read(BLOCK)
        if self._input:
            return
        self._ended = True
        if self._make is not _Plain:
            raise ExpansionFailed(f"{self._name} cannot be expanded: it ends too early")

    def close(self) -> None:
        self._stream.close()
        super().close()


def expanded(stream: IO[bytes], name: str, limit: int) -> io.BufferedReader:
    """The content of `stream`, at most `limit` bytes of it; closing it closes `stream`.

    Reading raises ExpansionFailed, which calls the stream `name`, where it is damaged or longer.
    """
    return io.BufferedReader(_Expanded(stream, name, limit), BLOCK)


def foreign_format(path: Path) -> str:
    """What the file at `path` is, if it is neither text nor what is expanded here; empty where it is one of them."""
    with path.open("rb") as file:
        head = file.read(BLOCK)
    if any(head.startswith(magic) for magic, _make in _FORMATS):
        return ""
    for magic, name in _FOREIGN.items():
        if head.startswith(magic):
            return name
    return f"unknown (it begins with {head[:8].hex(' ')})" if _CONTROL.intersection(head) else ""


def open_expanded(path: Path, limit: int) -> io.BufferedReader:
    """The content of the file at `path`, as `expanded` gives it; OSError when it cannot be opened."""
    return expanded(path.open("rb"), path.name, limit)
