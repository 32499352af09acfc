"""Lines of a journal."""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koji_adjutant.journal.file import (
    ITEMS_LIMIT,
    LINE_LIMIT,
    TEXT_LIMIT,
    VERSION,
    Event,
    Unread,
    decoded,
    encoded,
)

NOW = datetime(2026, 11, 28, 19, 31, 42, 807000, tzinfo=UTC)
BOOT = "eeb2d3a5-4ffe-42b6-8adf-b6da079d55df"


def event(**details: Any) -> Event:
    return Event(time=NOW, name="opened", task=7, details=details, boot_id=BOOT, since_boot=12.3456, pid=4711)


def test_what_is_in_a_line() -> None:
    line = encoded(event(method="build"))
    assert line.endswith(b"}\n")
    assert json.loads(line) == {
        "v": VERSION,
        "time": "2026-11-28T19:31:42.807Z",
        "boot_id": BOOT,
        "since_boot": 12.345,
        "pid": 4711,
        "event": "opened",
        "task": 7,
        "details": {"method": "build"},
    }


def test_a_line_of_version_1() -> None:
    line = b'{"time": "2026-11-28T19:31:42.807Z", "task": 1, "phase": "opened", "container": "c", "method": "build"}'
    found = decoded(line)
    assert found == Event(time=NOW, name="opened", task=1, container="c", details={"method": "build"})


@given(
    st.dictionaries(
        st.text(max_size=20),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=100),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
            ),
            max_leaves=10,
        ),
        max_size=5,
    )
)
def test_it_is_read_as_it_was_written(details: dict[str, Any]) -> None:
    line = encoded(event(**details))
    assert line.count(b"\n") == 1
    assert line.isascii()
    found = decoded(line.rstrip(b"\n"))
    assert isinstance(found, Event)
    assert (found.time, found.name, found.task, found.pid) == (NOW, "opened", 7, 4711)
    # Deep ones become text.
    assert found.details.keys() == details.keys()
    for key, value in details.items():
        if not isinstance(value, list | dict) and not (isinstance(value, float) and math.isinf(value)):
            assert found.details[key] == value


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("a\nb\x1b[31m\u2028", "a\nb\x1b[31m\u2028"),
        ("\udcff", "\udcff"),
        (math.nan, None),
        (b"raw", "b'raw'"),
        ({1: frozenset({2})}, {"1": [2]}),
        ("x" * (TEXT_LIMIT + 1), "x" * TEXT_LIMIT + f"... ({TEXT_LIMIT + 1} characters)"),
        (list(range(ITEMS_LIMIT + 1)), list(range(ITEMS_LIMIT))),
    ],
    ids=["control", "surrogate", "nan", "bytes", "nested", "long", "many"],
)
def test_what_others_say_is_data(value: object, written: object) -> None:
    line = encoded(event(said=value))
    assert line.count(b"\n") == 1
    assert not any(byte < 32 for byte in line[:-1])
    found = decoded(line)
    assert isinstance(found, Event)
    assert found.details == {"said": written}


def test_a_line_has_a_bearable_length() -> None:
    line = encoded(event(said=["\n" * TEXT_LIMIT] * ITEMS_LIMIT))
    assert len(line) <= LINE_LIMIT
    found = decoded(line)
    assert isinstance(found, Event)
    assert found.details.keys() == {"left_out_bytes"}


@pytest.mark.parametrize(
    "line",
    [
        *(b"{", b"\0" * 4096, b"\xff\xfe", b"[]", b"7", b"{}", b'{"time": 7}', b"[" * 100000, b'""'),
        b'{"v": "2", "time": "2026-11-28"}',
        b'{"v": null}',
        b'{"v": 0}',
        encoded(event())[:-10],
        encoded(event()).replace(b'"task": 7', b'"task": "7"'),
        encoded(event()).replace(b"2026-11", b"2026-13"),
        encoded(event()).replace(b'"pid": 4711', b'"pid": 4711, "details": [1]'),
    ],
)
def test_what_is_no_event(line: bytes) -> None:
    assert decoded(line) is Unread.TORN


@pytest.mark.parametrize("change", [{}, {"event": 7}, {"time": "someday"}])
def test_a_newer_version_is_not_guessed_at(change: Mapping[str, Any]) -> None:
    line = {**json.loads(encoded(event())), "v": VERSION + 1, **change}
    assert decoded(json.dumps(line).encode()) is Unread.NEWER


def test_a_time_without_a_zone_is_of_utc() -> None:
    found = decoded(encoded(event()).replace(b"807Z", b"807"))
    assert isinstance(found, Event)
    assert found.time == NOW
