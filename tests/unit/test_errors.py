"""What errors say."""

import xmlrpc.client

import pytest

from koji_adjutant.errors import BuildFailed


@pytest.mark.parametrize(
    ("quoted", "shown"),
    [
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("cut \udcff off", "cut \\udcff off"),
        ("\x85\ufffe", "\\x85\\ufffe"),
        ("left\u202eright\u2028line", "left\\u202eright\\u2028line"),
        ("tab\tline\né 雪 \U0001f600", "tab\tline\né 雪 \U0001f600"),
    ],
)
def test_what_hostile_code_said_is_shown_so_that_a_hub_can_take_it(quoted: str, shown: str) -> None:
    said = str(BuildFailed(f"it said {quoted}", hint=f"look for {quoted}"))
    assert said == f"it said {shown}; look for {shown}"
    ((heard,), _) = xmlrpc.client.loads(xmlrpc.client.dumps((said,)))
    assert heard == said
