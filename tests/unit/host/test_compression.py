"""Compressed files are read by what they are, in pieces, and never further than wanted."""

import io
import lzma
import resource
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from koji_adjutant.errors import ExpansionFailed
from koji_adjutant.host.compression import BLOCK, expanded, foreign_format, open_expanded
from tests.unit.buildroot.xml_repo import COMPRESSIONS

Pack = Callable[[bytes], bytes]
CONTENT = b"".join(b"package %d\n" % number for number in range(50_000))
LIMIT = len(CONTENT)
packings = pytest.mark.parametrize("pack", [*COMPRESSIONS.values(), bytes], ids=[*COMPRESSIONS, "none"])
compressions = pytest.mark.parametrize("pack", COMPRESSIONS.values(), ids=COMPRESSIONS)


def read(data: bytes, limit: int = LIMIT) -> bytes:
    with expanded(io.BytesIO(data), "a file", limit) as file:
        return file.read()


@packings
def test_the_content(pack: Pack, tmp_path: Path) -> None:
    file = tmp_path / "primary.xml.of-no-known-end"
    file.write_bytes(pack(CONTENT))
    with open_expanded(file, LIMIT) as opened:
        assert opened.read() == CONTENT
    with open_expanded(file, LIMIT) as opened:
        assert opened.read(10) == CONTENT[:10]
        assert list(opened)[-1] == b"package 49999\n"


@packings
def test_nothing(pack: Pack) -> None:
    assert read(pack(b"")) == b""


@packings
def test_one_behind_the_other(pack: Pack) -> None:
    half = LIMIT // 2
    assert read(pack(CONTENT[:half]) + pack(CONTENT[half:])) == CONTENT


@packings
def test_a_limit(pack: Pack) -> None:
    with pytest.raises(ExpansionFailed, match="a file expands to more than 688,889 bytes"):
        read(pack(CONTENT), LIMIT - 1)


@compressions
def test_a_bomb_costs_no_memory(pack: Pack) -> None:
    bomb = pack(bytes(64 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(ExpansionFailed), expanded(io.BytesIO(bomb), "a bomb", 32 << 20) as file:
            while file.read(BLOCK):
                pass
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


@compressions
def test_an_end_too_early(pack: Pack) -> None:
    packed = pack(CONTENT)
    with pytest.raises(ExpansionFailed, match="a file cannot be expanded: "):
        read(packed[:-1])


@compressions
def test_damage(pack: Pack) -> None:
    packed = bytearray(pack(CONTENT))
    middle = len(packed) // 2
    packed[middle : middle + 64] = bytes(64)
    with pytest.raises(ExpansionFailed, match="a file cannot be expanded: "):
        read(bytes(packed))


def test_one_that_wants_memory() -> None:
    """An xz file names the memory that it is to be expanded with: here 1.5 GiB."""
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 20}]
    packed = lzma.compress(CONTENT, filters=filters)
    assert read(packed) == CONTENT
    greedy = bytearray(packed)
    # The dictionary's size is the one property of the only filter, in the block's header behind the stream's.
    at = greedy.index(bytes([0x21, 0x01]), 12) + 2
    greedy[at] = 40
    end = 12 + (greedy[12] + 1) * 4
    greedy[end - 4 : end] = zlib.crc32(bytes(greedy[12 : end - 4])).to_bytes(4, "little")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ExpansionFailed, match="emory"):
        read(bytes(greedy))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10


def test_the_stream_is_closed() -> None:
    stream = io.BytesIO(CONTENT)
    expanded(stream, "a file", LIMIT).close()
    assert stream.closed


@packings
def test_nothing_foreign(pack: Pack, tmp_path: Path) -> None:
    file = tmp_path / "primary.xml.zck"
    file.write_bytes(pack("<packager>\u0144obody</packager>".encode()))
    assert not foreign_format(file)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\0ZCK1\x01", "zchunk"),
        (b"\x04\x22\x4d\x18text", "lz4"),
        (lzma.compress(CONTENT, format=lzma.FORMAT_ALONE), "lzma"),
        (b"\x07any", "unknown (it begins with 07 61 6e 79)"),
    ],
)
def test_what_nothing_here_reads(content: bytes, words: str, tmp_path: Path) -> None:
    file = tmp_path / "primary.xml.gz"
    file.write_bytes(content)
    assert foreign_format(file) == words
