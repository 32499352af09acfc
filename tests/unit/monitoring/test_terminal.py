"""Lines of logs on terminals: colours, and nothing else."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koji_adjutant.monitoring.terminal import with_colours, without_colours

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m\x1b[0m"),
        ("\x1b[mreset", "\x1b[0mreset\x1b[0m"),
        ("\x1b[1;38;5;208morange", "\x1b[1;38;5;208morange\x1b[0m"),
        ("\x1b[48;2;1;2;3mground", "\x1b[48;2;1;2;3mground\x1b[0m"),
        ("\x1b[8mhidden", "hidden\x1b[0m"),
        ("\x1b[5;32mblinking", "\x1b[32mblinking\x1b[0m"),
        ("\x1b[38;5;8mgrey", "\x1b[38;5;8mgrey\x1b[0m"),
        ("\x1b[2J\x1b]0;title\x07", "\\x1b[2J\\x1b]0;title\\x07"),
    ],
)
def test_colours_are_kept(line: str, shown: str) -> None:
    assert with_colours(line) == shown


def test_without_a_terminal_there_are_none() -> None:
    assert without_colours("\x1b[1;31mred\x1b[0m \x1b[2J") == "red \\x1b[2J"


@given(st.text(alphabet=st.sampled_from("\x1b[]m;0123458\x07\x9bJa")))
def test_only_colours_are_obeyed(line: str) -> None:
    assert COLOUR.sub("", with_colours(line)).isprintable()
    assert without_colours(line).isprintable()
