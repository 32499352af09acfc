import asyncio
import os
from collections.abc import AsyncIterator
from io import FileIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koji_adjutant.monitoring.log_stream import (
    Extent,
    asked_range,
    begin_of_tail,
    followed,
    followed_from,
    pieces,
)

MISSING = "missing"


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (None, None),
        ("bytes=0-", Extent(begin=0, end=10)),
        ("bytes=3-5", Extent(begin=3, end=6)),
        ("bytes=3-500", Extent(begin=3, end=10)),
        ("bytes=-4", Extent(begin=6, end=10)),
        ("bytes=-400", Extent(begin=0, end=10)),
        ("bytes=9-9", Extent(begin=9, end=10)),
        ("bytes=10-", MISSING),
        ("bytes=-0", MISSING),
        ("bytes=5-3", None),
        ("bytes=-", None),
        ("bytes=1-2,4-5", None),
        ("bytes=a-b", None),
        ("lines=1-2", None),
        ("bytes=" + "9" * 30 + "-", None),
        ("bytes=\u0663-", None),
    ],
)
def test_ranges(header: str | None, found: Extent | str | None) -> None:
    if found == MISSING:
        with pytest.raises(IndexError):
            asked_range(header, 10)
    else:
        assert asked_range(header, 10) == found


@given(st.text(alphabet="bytes=0123456789-, "), st.integers(0, 1000))
def test_a_range_is_within_the_log(header: str, size: int) -> None:
    try:
        found = asked_range(header, size)
    except IndexError:
        return
    assert found is None or 0 <= found.begin < found.end <= size


def test_who_follows_may_begin_where_nothing_is_yet() -> None:
    assert followed_from("bytes=10-", 10) == 10
    assert followed_from("bytes=4-", 10) == 4
    assert followed_from("bytes=-4", 0) == 0
    assert followed_from(None, 10) == 0
    with pytest.raises(IndexError):
        followed_from("bytes=11-", 10)


@given(st.lists(st.sampled_from([b"a", b"\n", b"bc\n", b"x" * 70_000]), max_size=12), st.integers(1, 6))
def test_last_lines(written: list[bytes], lines: int) -> None:
    data = b"".join(written)
    with FileIO(os.memfd_create("log"), "r+") as log:
        log.write(data)
        begin = begin_of_tail(log, len(data), lines)
    assert data[begin:] == b"".join(data.splitlines(keepends=True)[-lines:])


async def gathered(stream: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in stream])


def test_a_part_is_sent_and_its_handle_closed(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"0123456789")
    log = FileIO(path)
    assert asyncio.run(gathered(pieces(log, Extent(begin=2, end=50)))) == b"23456789"
    assert log.closed


def test_what_was_written_just_before_the_end_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"first\n")
    asked = 0

    async def goes_on() -> bool:
        nonlocal asked
        asked += 1
        with path.open("ab") as file:
            file.write(b"more\n")
        return asked < 2

    assert asyncio.run(gathered(followed(FileIO(path), 0, goes_on))) == b"first\nmore\nmore\n"


def test_a_log_that_is_removed_ends(tmp_path: Path) -> None:
    async def goes_on() -> bool:
        return True

    path = tmp_path / "log"
    path.write_bytes(b"x")
    log = FileIO(path)
    path.unlink()
    assert asyncio.run(gathered(followed(log, 0, goes_on))) == b"x"
