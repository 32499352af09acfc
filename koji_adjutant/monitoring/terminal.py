"""Lines of logs on a terminal: colours as they were meant, and nothing else of what is in them is obeyed. Pure."""

import re
from collections.abc import Iterator

from koji_adjutant.monitoring.text import for_terminal

_SEQUENCE = re.compile(r"\x1b\[([0-9;]{0,64})m")
_CODE = re.compile(r"(?:38|48);(?:5;\d{1,3}|2(?:;\d{1,3}){3})(?![0-9])|\d+")
_STYLES = (0, 1, 2, 3, 4, 7, 9, 22, 23, 24, 27, 29)
"""Bold, faint, italic, underlined, reversed, struck, and their ends: not what hides text, or blinks."""
_COLOURS = (*range(30, 38), 39, *range(40, 48), 49, *range(90, 98), *range(100, 108))
_KEPT = frozenset(str(code) for code in (*_STYLES, *_COLOURS))
_RESET = "\x1b[0m"


def with_colours(line: str) -> str:
    """A line with its colours, which end where it does."""
    pieces = _SEQUENCE.split(line)
    if len(pieces) == 1:
        return for_terminal(line)
    return "".join(_shown(pieces)) + _RESET


def without_colours(line: str) -> str:
    """The same line for who has no terminal."""
    return for_terminal(_SEQUENCE.sub("", line))


def _shown(pieces: list[str]) -> Iterator[str]:
    """`pieces`: text, parameters of a sequence, text, and so on."""
    for number, piece in enumerate(pieces):
        if number % 2 == 0:
            yield for_terminal(piece)
        elif kept := [code for code in _CODE.findall(piece or "0") if code in _KEPT or ";" in code]:
            yield f"\x1b[{';'.join(kept)}m"
