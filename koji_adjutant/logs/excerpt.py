"""What a log says of a failure: the first line that looks like a reason, and the last lines. For people, not for the
hub.

Logs are hostile and may have gigabytes. Of a long one the end is read, in time that grows with its length alone; what
comes out is short, and text of a package: who shows it makes it harmless. `LastWords` lives as long as its task's
process: logs go with the work directory, before the task has reported.
"""

import json
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SEARCHED = 32 << 20
"""Bytes of a log, from its end, in which a reason is looked for."""
BLOCK = 1 << 20
TAIL = 64 << 10
"""Bytes in which the last lines are."""
LAST_LINES = 20
LINE = 500
"""Bytes of a line that are looked at, and characters that are kept of it."""
LINES_LIMIT = 16 << 10
"""Characters of the last lines as an event writes them."""
NAMED = re.compile(r"\bsee ([A-Za-z0-9_.-]{1,100}\.log)\b")
"""How an error names the log that says more."""
WORDS = re.compile(rb"error|Error|ERROR|\*\*\* |Problem: |undefined reference")
"""One of them is in every line that matches; they are found fast."""
PATTERNS = (
    rb"(?:fatal )?error(?:\[\w{1,20}\])?: ",
    # compilers, linkers, and programs that begin with their own name
    rb"[^\s:+][^:]{0,300}:(?:\d{1,9}:){0,2} (?:fatal )?[Ee]rror: ",
    rb"(?:[^:]{1,300}: ){1,2}undefined reference to ",
    rb"RPM build errors:",
    rb"g?make(?:\[\d{1,5}\])?: \*\*\* ",
    rb"CMake Error\b",
    rb"E(?:rror|RROR): ",
    rb"\s{0,4}Problem: ",
)
_REASON = re.compile(rb"|".join(rb"(?:%s)" % pattern for pattern in PATTERNS))
_COLOURS = re.compile(rb"\x1b\[[0-9;:]{0,40}[mK]")


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """Of the log `log`."""

    log: str
    first_error_line: str
    last_lines: tuple[str, ...]

    def details(self) -> dict[str, Any]:
        """As an event has it; without a line that is not there."""
        reason = {"first_error_line": self.first_error_line} if self.first_error_line else {}
        return {"log": self.log, **reason, "last_lines": list(self.last_lines)}


class LastWords:
    """What the logs of a task say of its failure, once it has failed."""

    def __init__(self) -> None:
        self.excerpt: Excerpt | None = None

    def take(self, error: BaseException, names: Iterable[str], path: Callable[[str], Path]) -> None:
        """Read the log that `error` names, if it is one of `names`."""
        named = NAMED.search(str(error))
        if named is not None and named[1] in names:
            self.excerpt = excerpt_of(named[1], path(named[1]))

    def details(self) -> dict[str, Any]:
        """As an event has them."""
        return {} if self.excerpt is None else self.excerpt.details()


def excerpt_of(name: str, path: Path) -> Excerpt | None:
    """Of the log of that name; None when it cannot be read."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        size = os.fstat(handle).st_size
        return Excerpt(
            log=name,
            first_error_line=_first_reason(handle, size),
            last_lines=_last_lines(os.pread(handle, min(size, TAIL), max(0, size - TAIL))),
        )
    except OSError:
        return None
    finally:
        os.close(handle)


def _first_reason(handle: int, size: int) -> str:
    at, rest = max(0, size - SEARCHED), b""
    while block := os.pread(handle, BLOCK, at):
        at += len(block)
        is_last = at >= size
        # A line that goes on is looked at with the next block, as far as it is looked at anyway.
        end = len(block) if is_last else block.rfind(b"\n") + 1
        if found := reason_in(rest + (block[:end] if end else block)):
            return found
        rest = block[end:][:LINE] if end else b""
    return ""


def reason_in(text: bytes) -> str:
    """The first line of `text` that looks like a reason; empty when there is none. Pure."""
    at = 0
    while (word := WORDS.search(text, at)) is not None:
        begin = text.rfind(b"\n", max(at, word.start() - LINE), word.start()) + 1
        begin = begin or max(at, word.start() - LINE)
        end = text.find(b"\n", word.end(), begin + LINE)
        end = max(word.end(), begin + LINE) if end < 0 else end
        line = _COLOURS.sub(b"", text[begin:end])
        if (not begin or text[begin - 1 : begin] == b"\n") and _REASON.match(line):
            return _text(line)
        at = end
    return ""


def _last_lines(tail: bytes) -> tuple[str, ...]:
    kept: list[str] = []
    room = LINES_LIMIT
    for line in reversed(tail.rstrip().splitlines()[-LAST_LINES:]):
        text = _text(line)
        room -= len(json.dumps(text))
        if room < 0:
            break
        kept.append(text)
    return tuple(reversed(kept))


def _text(line: bytes) -> str:
    return line[:LINE].decode(errors="replace").rstrip()
