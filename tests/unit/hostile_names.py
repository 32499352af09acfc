"""Strings that somebody could send where a name is expected."""

from collections.abc import Mapping

import pytest

HOSTILE_PARTS = {
    "query": "evil?x",
    "fragment": "evil#x",
    "percent": "%2e%2e",
    "backslash": "evil\\x",
    "newline": "evil\nx",
    "carriage return": "evil\rx",
    "escape": "evil\x1b[2Jx",
    "C1 control": "evil\x9bx",
    "line separator": "evil\u2028x",
    "half a character": "evil\udc80x",
    "NUL": "evil\0x",
    "long": "e" * 5000,
}
"""None of them is the name of a file, whatever is before and after it in a path."""
HOSTILE_PATHS = {
    "absolute": "/etc/cron.d/x",
    "two slashes": "//etc/cron.d/x",
    "upwards": "../x",
    "upwards inside": "a/../../x",
    "upwards at the end": "a/..",
    "here": "a/./x",
    "empty": "",
    "empty part": "a//x",
    "empty end": "a/",
    "the query that ends a URL": "cli-build/x/evil?/../../../../../../../../etc/cron.d/x",
    "long as a whole": "/".join(["e" * 200] * 40),
    **{f"{kind} in a part": f"a/{part}/x" for kind, part in HOSTILE_PARTS.items()},
}
"""None of them is a path below a directory."""
ODD_NAMES = {
    "leading dash": "-rf",
    "characters of packages": "libstdc++-4.8~rc1^git.1-1.src.rpm",
    "non-ASCII": "größe-漢字.src.rpm",
    "space": "with space.src.rpm",
    "dots": "..a...",
    "hidden": ".hidden",
    "shell": "$(touch x);'\"&|*[a]{b}",
    "longest": "e" * 255,
}
"""They are names, and nothing but that."""


def each(cases: Mapping[str, str]) -> list[object]:
    """As parameters of a test, by their kind."""
    return [pytest.param(value, id=kind) for kind, value in cases.items()]
