"""A log of a task on its way to a client: the whole, a range, its last lines, or what comes for as long as it comes.

A log grows at its end and nowhere else. What is sent is what was there when it was asked for, and, to who follows,
what is written until the task ends. A log is closed by whoever reads it to the end or goes away in between, and with
the last reference to it when a client has gone before the beginning.
"""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from io import FileIO

from koji_adjutant.monitoring.live import POLL_SECONDS

CHUNK = 64 * 1024
MOST_TAIL = 8 << 20
"""Bytes in which the last lines are looked for."""
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Extent:
    """Bytes of a file, from one up to before another."""

    begin: int
    end: int


def asked_range(header: str | None, size: int) -> Extent | None:
    """What a `Range` asks for, of so many bytes; None for none, or one of another kind, which may be passed over.

    IndexError: nothing of it is there.
    """
    found = _RANGE.fullmatch(header.strip()) if header else None
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        length = int(found[2])
        if not length or not size:
            raise IndexError(size)
        return Extent(begin=max(0, size - length), end=size)
    begin, last = int(found[1]), int(found[2]) if found[2] else size - 1
    if last < begin and found[2]:
        return None
    if begin >= size:
        raise IndexError(size)
    return Extent(begin=begin, end=min(last + 1, size))


def followed_from(header: str | None, size: int) -> int:
    """Where to begin for who follows; IndexError: there is nothing yet before that."""
    try:
        extent = asked_range(header, size)
    except IndexError:
        found = _RANGE.fullmatch((header or "").strip())
        if found and found[1] and int(found[1]) == size:
            return size
        if found and not found[1]:
            return 0
        raise
    return extent.begin if extent else 0


def begin_of_tail(log: FileIO, size: int, lines: int) -> int:
    """Where the last lines begin; one that has no end yet is a line."""
    begin, left = size, lines
    while begin > max(0, size - MOST_TAIL):
        step = min(CHUNK, begin)
        block = os.pread(log.fileno(), step, begin - step)
        if begin == size and block.endswith(b"\n"):
            left += 1
        at = len(block)
        while (at := block.rfind(b"\n", 0, at)) >= 0:
            left -= 1
            if not left:
                return begin - step + at + 1
        begin -= step
    return begin


async def pieces(log: FileIO, extent: Extent) -> AsyncIterator[bytes]:
    """The bytes of a log; fewer when it has become shorter."""
    with log:
        at = extent.begin
        while at < extent.end and (piece := os.pread(log.fileno(), min(CHUNK, extent.end - at), at)):
            at += len(piece)
            yield piece


async def followed(log: FileIO, begin: int, goes_on: Callable[[], Awaitable[bool]]) -> AsyncIterator[bytes]:
    """The bytes of a log from one on, until `goes_on` says no, and then what is there still."""
    with log:
        handle, at, is_last = log.fileno(), begin, False
        while True:
            while piece := os.pread(handle, CHUNK, at):
                at += len(piece)
                yield piece
            if is_last or os.fstat(handle).st_nlink == 0:
                return
            # Asked before the last look, so that what was written just before the end is seen.
            is_last = not await goes_on()
            if not is_last:
                await asyncio.sleep(POLL_SECONDS)
