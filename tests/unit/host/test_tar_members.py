"""What is read of a tar stream is what was written, and a stream of others costs neither memory nor time."""

import io
import itertools
import subprocess
import tarfile
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koji_adjutant.errors import UnpackRefused
from koji_adjutant.host.tar_members import HEADER_LIMIT, TRAILER_LIMIT, Kind, Member, TarMembers
from tests.unit.host.tar_streams import END, member, padded, pieces, raw_header, record, records, tar_of

STYLES = (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)
names = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=300)


def read(data: bytes) -> list[tuple[Member, bytes]]:
    members = TarMembers(io.BytesIO(data))
    return [(each, b"".join(members.content())) for each in members]


@given(
    content=st.lists(st.tuples(names, st.binary(max_size=1500)), max_size=6),
    style=st.sampled_from(STYLES),
    size=st.integers(1, 5000),
)
def test_what_was_written_is_read(content: list[tuple[str, bytes]], style: int, size: int) -> None:
    data = tar_of(*((member(name), text) for name, text in content), style=style).getvalue()
    members = TarMembers(pieces(data, size))
    found = [(each.name, b"".join(bytes(piece) for piece in members.content())) for each in members]
    # The writer takes the slash from the end of a name.
    assert [(name.rstrip(b"/"), text) for name, text in found] == [
        (name.encode().rstrip(b"/"), text) for name, text in content
    ]


@given(link=names, style=st.sampled_from(STYLES))
def test_links_of_any_length(link: str, style: int) -> None:
    (found, _) = read(tar_of(member("a", tarfile.SYMTYPE, link=link), style=style).getvalue())[0]
    assert (found.kind, found.link) == (Kind.SYMLINK, link.encode())


@given(data=st.binary(max_size=3000))
def test_no_stream_is_another_error(data: bytes) -> None:
    with pytest.raises(UnpackRefused):
        read(raw_header(b"a", b"x", size=b"%011o\0" % len(data)) + padded(data))


@pytest.mark.parametrize("style", ["gnu", "pax", "ustar", "v7"])
def test_what_tar_itself_writes(style: str, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "run").write_bytes(b"x" * 1000)
    (tmp_path / "sub" / "run").chmod(0o4755)
    (tmp_path / "to").symlink_to("sub/run")
    data = subprocess.run(
        ["tar", "-C", tmp_path, "--sort=name", f"--format={style}", "-c", "."],
        check=True,
        capture_output=True,
    ).stdout
    found = [(each.name, each.kind, each.size, each.link) for each, _ in read(data)]
    assert found == [
        (b"./", Kind.DIRECTORY, 0, b""),
        (b"./sub/", Kind.DIRECTORY, 0, b""),
        (b"./sub/run", Kind.FILE, 1000, b""),
        (b"./to", Kind.SYMLINK, 0, b"sub/run"),
    ]


def test_names_in_two_parts(tmp_path: Path) -> None:
    data = tar_of(member("d" * 90 + "/" + "f" * 90), style=tarfile.USTAR_FORMAT).getvalue()
    assert read(data)[0][0].name == b"d" * 90 + b"/" + b"f" * 90


def test_names_in_no_encoding() -> None:
    assert read(raw_header(b"caf\xe9\n") + END)[0][0].name == b"caf\xe9\n"
    assert read(records((b"path", b"caf\xe9")) + raw_header(b"x") + END)[0][0].name == b"caf\xe9"


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        (b"1", Kind.HARD_LINK),
        (b"3", Kind.DEVICE),
        (b"4", Kind.DEVICE),
        (b"6", Kind.FIFO),
        (b"S", Kind.SPARSE),
        (b"g", Kind.OTHER),
        (b"V", Kind.OTHER),
    ],
)
def test_other_kinds_have_a_name(kind: bytes, found: Kind) -> None:
    assert read(raw_header(b"x", kind) + END)[0][0].kind is found


def test_sparse_files_of_pax() -> None:
    sparse = records((b"GNU.sparse.major", b"1"), (b"GNU.sparse.realsize", b"1" + b"0" * 15))
    assert read(sparse + raw_header(b"x") + END)[0][0].kind is Kind.SPARSE


def test_a_size_in_a_record_goes_first() -> None:
    data = records((b"size", b"3"), (b"mtime", b"nan"), (b"SCHILY.xattr.user.x", b"\0\n=")) + raw_header(b"x")
    assert read(data + padded(b"abc") + END)[0][1] == b"abc"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is cut off"),
        (bytes(100), "is cut off"),
        (raw_header(b"x", size=b"00000001000\0") + bytes(100), "is cut off after 'x'"),
        (raw_header(b"x"), "is cut off after 'x'"),
        (b"x" * 512, "is no number"),
        (b"\0" * 148 + b"0000000\0" + b"\0" * 355 + b"x", "no header of a member"),
        (raw_header(b"x", size=b"\xff" * 12) + END, "size of a member is no number"),
        (raw_header(b"x", size=b"-0000000001\0") + END, "size of a member is no number"),
        (records((b"size", b"-1")) + raw_header(b"x") + END, "size of a member is no number"),
        (records((b"size", b"9" * 21)) + raw_header(b"x") + END, "size of a member is no number"),
        (records((b"path", b"x")) + END, "a name that belongs to nothing"),
        (
            raw_header(b"x", b"x", size=b"00000000002\0") + padded(b"0 ") + END,
            "record of a member is no record",
        ),
        (raw_header(b"x", b"x", size=b"00000000007\0") + padded(b"99 a=b\n") + END, "is no record"),
        (raw_header(b"x", b"L", size=b"77777777777\0") + END, "a name or record of 8589934591 bytes"),
        (raw_header(b"x", b"x", size=b"77777777777\0") + END, "a name or record of 8589934591 bytes"),
        (END + bytes(TRAILER_LIMIT), "goes on after its end"),
    ],
)
def test_streams_that_are_no_archives(data: bytes, said: str) -> None:
    with pytest.raises(UnpackRefused, match=said):
        read(data)


def test_headers_before_headers_have_an_end() -> None:
    endless = itertools.repeat(records((b"comment", b"x")))
    with pytest.raises(UnpackRefused, match="a name or record"):
        list(TarMembers(endless))


def test_a_stream_costs_no_memory() -> None:
    """A million members, and one of a gigabyte: neither is held."""
    many = itertools.chain(itertools.repeat(raw_header(b"x"), 20_000), [END])
    large = itertools.chain(
        [raw_header(b"x", size=b"\x80" + (1 << 30).to_bytes(11, "big"))],
        itertools.repeat(bytes(1 << 20), 1 << 10),
        [END],
    )
    tracemalloc.start()
    try:
        assert sum(1 for _ in TarMembers(many)) == 20_000
        assert [each.size for each in TarMembers(large)] == [1 << 30]
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_the_longest_name_that_is_read() -> None:
    name = b"n" * (HEADER_LIMIT // 2)
    assert record(b"path", name).endswith(b"\n")
    assert read(records((b"path", name)) + raw_header(b"x") + END)[0][0].name == name
