"""Files of logs that grow: what has come since the last look, in whole lines, and how it is written.

A tail holds its file open until the stack that it was given ends. A line without its end waits for that, unless the
file is complete or the line is long.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from typing import IO, TextIO

from koji_adjutant.monitoring.terminal import with_colours, without_colours
from koji_adjutant.monitoring.text import for_terminal

CHUNK = 1 << 16
LONGEST_LINE = 1 << 16
"""Bytes after which what has no end of line is shown as one."""


Open = Callable[[str], int | None]
"""Opens the log of a name; None while it is not there."""


class Tail:
    """One file, which may not be there yet."""

    def __init__(self, open_log: Callable[[], int | None], files: ExitStack) -> None:
        self._open = open_log
        self._files = files
        self._file: IO[bytes] | None = None
        self._rest = b""

    def new_lines(self, *, is_complete: bool) -> Iterator[str]:
        """What was written since the last time; `is_complete`: nobody will write any more. OSError."""
        if self._file is None:
            handle = self._open()
            if handle is None:
                return
            self._file = self._files.enter_context(os.fdopen(handle, "rb"))
        while chunk := self._file.read(CHUNK):
            *whole, self._rest = (self._rest + chunk).split(b"\n")
            yield from map(_text, whole)
            if len(self._rest) > LONGEST_LINE:
                yield self._take_rest()
        if is_complete and self._rest:
            yield self._take_rest()

    def _take_rest(self) -> str:
        rest, self._rest = self._rest, b""
        return _text(rest)


def _text(line: bytes) -> str:
    return line.removesuffix(b"\r").decode(errors="backslashreplace")


class Tails:
    """The logs of a task, or the one of them that is called `name`."""

    def __init__(self, open_log: Open, name: str | None, files: ExitStack) -> None:
        self._open = open_log
        self._name = name
        self._files = files
        self._tails: dict[str, Tail] = {}

    def new_lines(self, names: Sequence[str], *, is_complete: bool) -> Iterator[tuple[str, str]]:
        """Name of the log and line; `names` are the logs that there are by now."""
        for name in [one for one in names if self._name in (None, one)]:
            if name not in self._tails:
                self._tails[name] = Tail(partial(self._open, name), self._files)
            for line in self._tails[name].new_lines(is_complete=is_complete):
                yield name, line


class Printer:
    """Writes lines; `is_terminal`: with the colours that are in them. Nothing else in them is obeyed."""

    def __init__(self, output: TextIO, *, is_terminal: bool, has_headings: bool) -> None:
        self._output = output
        self._shown = with_colours if is_terminal else without_colours
        self._has_headings = has_headings
        self._name = ""

    def write(self, name: str, line: str) -> None:
        """A line of the log `name`, below a heading if the line before was of another."""
        if self._has_headings and name != self._name:
            before = "\n" if self._name else ""
            self._output.write(f"{before}==> {for_terminal(name)} <==\n")
            self._name = name
        self._output.write(self._shown(line) + "\n")

    def flush(self) -> None:
        """Show what was written."""
        self._output.flush()
