"""Texts of others on their way to a terminal or a page: what they say is shown, and nothing of it is obeyed.

The two functions of the project that do it. Templates escape by themselves (Jinja2's autoescape); what comes from
`ansi_to_html` is the only HTML that is no template's. Pure.
"""

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

_KEPT = "\n\t"
_SGR = re.compile(r"\x1b\[([0-9;]{0,64})m")
_COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_STYLES: Mapping[int, str] = MappingProxyType(
    {1: "bold", 2: "faint", 3: "italic", 4: "underline", 7: "reverse", 9: "strike"}
)
_STYLE_ENDS: Mapping[int, tuple[str, ...]] = MappingProxyType(
    {
        22: ("bold", "faint"),
        23: ("italic",),
        24: ("underline",),
        27: ("reverse",),
        29: ("strike",),
    }
)
_EXTENDED, _BY_NUMBER, _BY_RGB = (38, 48), 5, 2


def for_terminal(text: object) -> str:
    """A text with its lines and tabs; what else is not printable stands there as an escape: `\\x1b[31m`."""
    return "".join(_visible(each) for each in str(text).replace("\r\n", "\n"))


def ansi_to_html(data: bytes) -> str:
    """A piece of a log as HTML: `span`s of classes `ansi-bold`, `ansi-red`, `ansi-bright-red`, `ansi-on-red`.

    Bytes that are no UTF-8, and escape sequences that are not about colours, are shown as text.
    """
    text = data.decode(errors="backslashreplace")
    return "".join(_spans(_SGR.split(text)))


def _visible(character: str) -> str:
    if character.isprintable() or character in _KEPT:
        return character
    if unicodedata.category(character) == "Zs":
        return " "
    return character.encode("unicode_escape", errors="surrogatepass").decode()


def _spans(pieces: list[str]) -> Iterator[str]:
    """`pieces`: text, parameters of a sequence, text, and so on."""
    style: dict[str, str] = {}
    for number, piece in enumerate(pieces):
        if number % 2:
            _apply(style, [int(code[:4] or 0) for code in piece.split(";")])
        elif piece:
            shown = html.escape(for_terminal(piece))
            classes = " ".join(f"ansi-{name}" for name in style.values())
            yield f'<span class="{classes}">{shown}</span>' if classes else shown


def _apply(style: dict[str, str], codes: Iterable[int]) -> None:
    """Change `style`, a class by what it is of, as SGR codes say."""
    rest = iter(codes)
    for code in rest:
        if code in _EXTENDED:
            _apply_extended(style, code, rest)
        elif code == 0:
            style.clear()
        elif code in _STYLES:
            style[_STYLES[code]] = _STYLES[code]
        else:
            for ended in _STYLE_ENDS.get(code, ()):
                style.pop(ended, None)
            _apply_colour(style, code)


def _apply_colour(style: dict[str, str], code: int) -> None:
    for first, place, word in ((30, "colour", ""), (40, "ground", "on-"), (90, "colour", "bright-")):
        if first <= code < first + len(_COLOURS):
            style[place] = word + _COLOURS[code - first]
    if 100 <= code < 100 + len(_COLOURS):  # noqa: PLR2004
        style["ground"] = f"on-bright-{_COLOURS[code - 100]}"
    if code in (39, 49):
        style.pop("colour" if code == 39 else "ground", None)  # noqa: PLR2004


def _apply_extended(style: dict[str, str], code: int, rest: Iterator[int]) -> None:
    """A colour by its number, of which the first 16 have a class, or by red, green and blue, which have none."""
    kind = next(rest, None)
    if kind == _BY_RGB:
        for _ in range(3):
            next(rest, None)
    if kind != _BY_NUMBER:
        return
    number, first = next(rest, -1), 30 if code == _EXTENDED[0] else 40
    if 0 <= number < len(_COLOURS):
        _apply_colour(style, first + number)
    elif len(_COLOURS) <= number < 2 * len(_COLOURS):
        _apply_colour(style, first + 60 + number - len(_COLOURS))
