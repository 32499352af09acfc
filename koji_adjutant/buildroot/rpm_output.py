"""What rpm says while it installs: all of it to root.log, and the part that an error message quotes.

Names and reasons come from packages, and scriptlets can print what they like: what is quoted is short and printable.
"""

import re

from koji_adjutant.container.interface import LogSink, Stream

LINES = 4
LINE = 240
PARTIAL = 4096
TELLING = re.compile(
    r"^\s*error:|scriptlet failed|conflicts? (with|between)|is needed by|is obsoleted by|No space left"
)
PROGRESS = re.compile(r"^\s*(?:\d+:)?(?!Verifying\.\.\.|Preparing\.\.\.)(\S+)\s*#")
"""A line of rpm's progress: the package, then hash marks."""


class RpmOutput:
    """The sink of an installer."""

    def __init__(self, log: LogSink) -> None:
        self._log = log
        self._partial: dict[Stream, bytes] = {"stdout": b"", "stderr": b""}
        self._telling: list[str] = []
        self._package = ""

    def write(self, stream: Stream, data: bytes) -> None:
        """Take one piece of output."""
        self._log.write(stream, data)
        *lines, rest = (self._partial[stream] + data).split(b"\n")
        self._partial[stream] = rest[-PARTIAL:]
        for line in lines:
            self._take(stream, line)

    def _take(self, stream: Stream, line: bytes) -> None:
        text = line[:PARTIAL].decode(errors="replace")
        if TELLING.search(text) and len(self._telling) < LINES:
            shown = "".join(character if character.isprintable() else " " for character in text)
            self._telling.append(" ".join(shown.split())[:LINE])
        if stream == "stdout":
            self._progress(text)

    def _progress(self, text: str) -> None:
        found = PROGRESS.match(text)
        if found and found[1].isprintable():
            self._package = found[1][:LINE]

    @property
    def reason(self) -> str:
        """rpm's first errors, on one line."""
        return "; ".join(self._telling)

    @property
    def package(self) -> str:
        """The package that was being installed last, as rpm shortens its name; empty when there was none yet."""
        self._progress(self._partial["stdout"].decode(errors="replace"))
        return self._package
