import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koji_adjutant.monitoring.text import ansi_to_html, for_terminal


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\n\ttext", "plain\n\ttext"),
        ("\x1b[31mred\x1b]0;title\x07", "\\x1b[31mred\\x1b]0;title\\x07"),
        ("over\rwritten", "over\\rwritten"),
        ("dos\r\nlines", "dos\nlines"),
        ("turned \u202e round", "turned \\u202e round"),
        ("\x9b31m", "\\x9b31m"),
        ("half \ud800", "half \\ud800"),
        ("no\xa0break", "no break"),
        ("naïve ☃", "naïve ☃"),
    ],
)
def test_a_terminal_obeys_nothing(text: str, shown: str) -> None:
    assert for_terminal(text) == shown


@given(st.text())
def test_only_lines_and_tabs_are_left_of_what_is_not_printable(text: str) -> None:
    assert all(each.isprintable() or each in "\n\t" for each in for_terminal(text))


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"a < b & c", "a &lt; b &amp; c"),
        (b'<script>alert("x")</script>', "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;"),
        (b"\x1b[31mred\x1b[0m plain", '<span class="ansi-red">red</span> plain'),
        (
            b"\x1b[1;91mboth\x1b[22mone",
            '<span class="ansi-bold ansi-bright-red">both</span><span class="ansi-bright-red">one</span>',
        ),
        (b"\x1b[41mground\x1b[49m", '<span class="ansi-on-red">ground</span>'),
        (b"\x1b[38;5;9mbright\x1b[m", '<span class="ansi-bright-red">bright</span>'),
        (b"\x1b[38;5;200mnumber\x1b[48;2;1;2;3mrgb", "numberrgb"),
        (b"\x1b[2Jcleared", "\\x1b[2Jcleared"),
        (b"\x1b[999999999999mx", "x"),
        (b"\xff\xfe", "\\xff\\xfe"),
    ],
)
def test_of_a_log_only_colours_become_html(data: bytes, shown: str) -> None:
    assert ansi_to_html(data) == shown


@given(
    st.binary() | st.lists(st.sampled_from([b"\x1b[", b"38;5;", b"1;31", b"m", b"<b>", b"'"])).map(b"".join)
)
def test_html_of_a_log_has_our_spans_and_no_other_tag(data: bytes) -> None:
    left = re.sub(r'<span class="[a-z -]+">|</span>', "", ansi_to_html(data))
    assert not set(left) & {"<", ">", '"', "'", "\x1b", "\r"}
