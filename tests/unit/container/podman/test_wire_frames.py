"""Frames of an output stream, however the pieces of it fall."""

import random

import pytest

from koji_adjutant.container.interface import Stream
from koji_adjutant.container.podman.wire import FrameSplitter
from koji_adjutant.errors import EngineError


def frame(number: int, data: bytes) -> bytes:
    return bytes((number, 0, 0, 0)) + len(data).to_bytes(4, "big") + data


def fed(splitter: FrameSplitter, pieces: list[bytes]) -> dict[Stream, bytes]:
    found: dict[Stream, bytes] = {"stdout": b"", "stderr": b""}
    for piece in pieces:
        for stream, data in splitter.feed(piece):
            found[stream] += data
    return found


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 100, 65536])
def test_any_size_of_pieces_gives_the_same(size: int) -> None:
    chance = random.Random(size)
    frames = [(chance.choice((1, 2)), chance.randbytes(chance.randrange(0, 400))) for _ in range(200)]
    raw = b"".join(frame(number, data) for number, data in frames)
    splitter = FrameSplitter()
    found = fed(splitter, [raw[at : at + size] for at in range(0, len(raw), size)])
    assert found["stdout"] == b"".join(data for number, data in frames if number == 1)
    assert found["stderr"] == b"".join(data for number, data in frames if number == 2)
    assert splitter.complete


def test_data_comes_before_its_frame_is_complete() -> None:
    splitter = FrameSplitter()
    assert list(splitter.feed(frame(1, b"abcdef")[:-2])) == [("stdout", b"abcd")]
    assert not splitter.complete
    assert list(splitter.feed(b"ef")) == [("stdout", b"ef")]
    assert splitter.complete


def test_half_a_header_is_not_complete() -> None:
    splitter = FrameSplitter()
    assert list(splitter.feed(b"\1\0\0")) == []
    assert not splitter.complete


@pytest.mark.parametrize("header", [b"HTTP/1.1", b"\3\0\0\0\0\0\0\1", b"\1\0\1\0\0\0\0\1"])
def test_what_is_no_header_is_an_error(header: bytes) -> None:
    with pytest.raises(EngineError, match="frame header"):
        list(FrameSplitter().feed(header))
