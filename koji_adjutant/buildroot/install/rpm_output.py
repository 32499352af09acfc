"""What rpm says while it installs, read along with root.log: the part that an error message quotes.

Names and reasons come from packages, and scriptlets can print what they like: what is quoted is short and printable.
"""

import re

from koji_adjutant.container.interface import Stream

LINES = 4
LINE = 240
PARTIAL = 4096
TELLING = re.compile(
    r"^\s*error:|scriptlet failed|conflicts? (with|between)|is needed by|is obsoleted by|No space left"
)
PROGRESS = re.compile(r"^\d+/\d+ (?:installing|erasing) (\S+)$")
"""A line of progress, as scripts/transaction.py writes it before anything of the package runs."""


class RpmOutput:
    """A sink beside root.log: what rpm said that an error quotes."""

    def __init__(self) -> None:
        self._partial: dict[Stream, bytes] = {"stdout": b"", "stderr": b""}
        self._telling: list[str] = []
        self._package = ""

    def write(self, stream: Stream, data: bytes) -> None:
        """Take one piece of output."""
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
        """rpm's first errors, on one line; empty when it printed none."""
        return "; ".join(self._telling)

    @property
    def package(self) -> str:
        """NEVRA of the package that was being installed or erased last; empty before the first."""
        return self._package
