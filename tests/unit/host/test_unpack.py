"""Trees of others: all that they may be arrives, nothing comes to be outside, and a refusal names the member."""

import errno
import io
import os
import stat
import subprocess
import tarfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koji_adjutant.errors import BuildFailed, UnpackRefused
from koji_adjutant.host.unpack import UnpackLimits, check_inside, unpack
from tests.unit.host.tar_streams import END, member, padded, pieces, raw_header, records, tar_of

LIMITS = UnpackLimits(bytes=1 << 20, files=100)
DIR, LINK = tarfile.DIRTYPE, tarfile.SYMTYPE


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "target"
    path.mkdir()
    (tmp_path / "outside").write_text("untouched")
    return path


def is_untouched(target: Path) -> bool:
    """Whether there is nothing beside the target but what was there before."""
    beside = sorted(path.name for path in target.parent.iterdir())
    return beside == ["outside", "target"] and (target.parent / "outside").read_text() == "untouched"


def refusal(target: Path, *members: tarfile.TarInfo | tuple[tarfile.TarInfo, bytes]) -> str:
    with pytest.raises(UnpackRefused) as caught:
        unpack(tar_of(*members), target, LIMITS)
    assert is_untouched(target)
    return str(caught.value)


def test_a_tree_arrives(target: Path) -> None:
    source = target.parent / "source"
    (source / "a" / "b").mkdir(parents=True)
    (source / "a" / "b" / "script").write_bytes(b"#!\n" * 500_000)
    (source / "a" / "b" / "script").chmod(0o6755)
    (source / "a" / "empty").write_bytes(b"")
    (source / "a" / "empty").chmod(0o400)
    (source / "link").symlink_to("/etc/passwd")
    (source / os.fsdecode(b"caf\xe9\nline")).write_bytes(b"x")
    (source / "Makefile").write_bytes(b"1")
    (source / "makefile").write_bytes(b"2")
    (source / ("n" * 255)).write_bytes(b"3")
    data = subprocess.run(["tar", "-C", source, "-c", "."], check=True, capture_output=True).stdout
    unpack(pieces(data, 1000), target, UnpackLimits(bytes=1_500_004, files=10))
    assert (target / "link").readlink() == Path("/etc/passwd")
    assert stat.S_IMODE((target / "a/b/script").stat().st_mode) == 0o755
    assert stat.S_IMODE((target / "a/empty").stat().st_mode) == 0o644
    assert subprocess.run(["diff", "-r", "--no-dereference", source, target], check=False).returncode == 0


@pytest.mark.parametrize(
    "name", ["/etc/x", "../outside", "a/../../outside", "..", "//x", "a//x", "./../x", "a/./x", "x/"]
)
def test_names_that_lead_elsewhere(target: Path, name: str) -> None:
    said = refusal(target, member("a", DIR), (member(name), b"evil"))
    assert said == f"refused to unpack {name!r}: its name is not one of something below a directory"


@pytest.mark.parametrize("name", [b"", b"\0", b"a\0b", b".", b"./"])
def test_names_that_are_none(target: Path, name: bytes) -> None:
    data = records((b"path", name)) + raw_header(b"x") + END
    with pytest.raises(UnpackRefused, match="refused to unpack"):
        unpack(io.BytesIO(data), target, LIMITS)
    assert list(target.iterdir()) == []


def test_no_link_is_followed(target: Path) -> None:
    for where in ("..", str(target.parent), "."):
        out = member(f"out{len(where)}", LINK, link=where)
        said = refusal(target, out, (member(f"{out.name}/outside"), b"evil"))
        assert said == (f"refused to unpack '{out.name}/outside': it is below something that is no directory")


def test_nothing_is_written_through_a_link(target: Path) -> None:
    out = member("out", LINK, link="../outside")
    assert "it is there twice" in refusal(target, out, (member("out"), b"evil"))
    assert "it is there twice" in refusal(target, member("into", LINK, link=".."), member("into", DIR))


def test_links_that_lead_out_are_made(target: Path) -> None:
    unpack(
        tar_of(member("a", LINK, link="../../../etc/passwd"), member("b", LINK, link="gone")), target, LIMITS
    )
    assert (target / "a").readlink() == Path("../../../etc/passwd")
    assert (target / "b").readlink() == Path("gone")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (tarfile.LNKTYPE, "a hard link"),
        (tarfile.CHRTYPE, "a device"),
        (tarfile.BLKTYPE, "a device"),
        (tarfile.FIFOTYPE, "a fifo"),
        (b"g", "of no known kind"),
        (b"V", "of no known kind"),
    ],
)
def test_kinds_that_no_checkout_has(target: Path, kind: bytes, said: str) -> None:
    with pytest.raises(UnpackRefused, match=f"refused to unpack 'x': it is {said}"):
        unpack(io.BytesIO(raw_header(b"x", kind, link=b"../outside") + END), target, LIMITS)
    assert list(target.iterdir()) == []


def test_holes_are_refused(target: Path) -> None:
    data = records((b"GNU.sparse.map", b"0,1"), (b"GNU.sparse.size", b"9" * 15)) + raw_header(b"x") + END
    with pytest.raises(UnpackRefused, match="'x': it is a sparse file"):
        unpack(io.BytesIO(data), target, LIMITS)


def test_links_to_nothing_and_to_no_name(target: Path) -> None:
    assert "it is a link to nothing" in refusal(target, member("x", LINK))
    data = records((b"linkpath", b"a\0b")) + raw_header(b"x", b"2", link=b"a") + END
    with pytest.raises(UnpackRefused, match="not one of something below"):
        unpack(io.BytesIO(data), target, LIMITS)
    assert "its name is too long" in refusal(target, member("x", LINK, link="l" * 5000))


def test_names_that_are_too_long(target: Path) -> None:
    assert "its name is too long" in refusal(target, member("n" * 256))
    deep = [member("d/" * depth + "d", DIR) for depth in range(99)]
    unpack(tar_of(*deep), target, LIMITS)
    assert "its name is too long" in refusal(target, member("d/" * 2000 + "d"))


def test_what_is_there_twice(target: Path) -> None:
    assert (
        refusal(target, (member("x"), b"1"), (member("x"), b"2"))
        == "refused to unpack 'x': it is there twice"
    )
    assert (target / "x").read_bytes() == b"1"
    assert "it is there twice" in refusal(target, member("d", DIR), member("./d", DIR))


def test_what_has_no_directory(target: Path) -> None:
    assert "its directory does not come before it" in refusal(target, member("a/b"))
    assert "is no directory" in refusal(target, member("f"), member("f/b"))


def test_limits(target: Path) -> None:
    with pytest.raises(UnpackRefused, match="refused to unpack 'f3': there are more than 3 files"):
        unpack(tar_of(*(member(f"f{number}") for number in range(5))), target, UnpackLimits(bytes=9, files=3))
    assert len(list(target.iterdir())) == 3
    with pytest.raises(UnpackRefused, match="'b': with its 6 bytes there are more than 10"):
        unpack(
            tar_of((member("a"), b"12345"), (member("b"), b"123456")), target, UnpackLimits(bytes=10, files=9)
        )
    assert not (target / "b").exists()


def test_a_size_that_is_not_there(target: Path) -> None:
    """What says that it is larger than all limits is never begun."""
    header = raw_header(b"x", size=b"\x80" + (1 << 80).to_bytes(11, "big"))
    with pytest.raises(UnpackRefused, match="'x': with its 1,208,925,819,614,629,174,706,176 bytes"):
        unpack(io.BytesIO(header + END), target, LIMITS)
    assert list(target.iterdir()) == []


def test_a_stream_that_is_cut_off(target: Path) -> None:
    data = tar_of((member("x"), b"1" * 2000)).getvalue()
    with pytest.raises(UnpackRefused, match="an archive is cut off after 'x'"):
        unpack(io.BytesIO(data[:1500]), target, LIMITS)


def test_it_is_the_packages_fault() -> None:
    assert issubclass(UnpackRefused, BuildFailed)


def test_a_fault_of_the_host_is_no_refusal(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        unpack(tar_of((member("x"), b"1")), target, LIMITS)


def test_no_descriptor_is_left(target: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    refusal(target, member("a", DIR), member("a/b", LINK, link=".."), (member("a/b/outside"), b"evil"))
    assert len(list(Path("/proc/self/fd").iterdir())) == before


parts = st.sampled_from([b"a", b"b", b"..", b".", b"", b"outside", b"target", b"\xff", b"\n", b"A"])
paths = st.lists(parts, min_size=1, max_size=4).map(b"/".join)
kinds = st.sampled_from([b"0", b"0", b"5", b"5", b"2", b"2", b"1", b"3", b"6", b"S", b"g", b"\0", b"?"])
links = st.sampled_from([b"..", b".", b"../outside", b"/", b"a", b"", b"../..", b"\xff"])
extra = st.lists(
    st.tuples(
        st.sampled_from([b"path", b"linkpath", b"size", b"GNU.sparse.name", b"comment", b"hdrcharset"]),
        st.sampled_from([b"../outside", b"a", b"/x", b"", b"7", b"-1", b"b/outside", b"a\0", b"\xff"]),
    ),
    max_size=2,
)
members = st.lists(st.tuples(paths, kinds, links, extra, st.binary(max_size=9)), max_size=8)


@given(content=members, cut=st.integers(0, 600), size=st.integers(1, 2000))
def test_nothing_ever_comes_to_be_outside(
    content: list[tuple[bytes, bytes, bytes, list[tuple[bytes, bytes]], bytes]],
    cut: int,
    size: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    top = tmp_path_factory.mktemp("tree")
    target = top / "target"
    target.mkdir()
    (top / "outside").write_text("untouched")
    data = b"".join(
        (records(*extra) if extra else b"")
        + raw_header(name, kind, size=b"%011o\0" % len(text), link=link)
        + padded(text)
        for name, kind, link, extra, text in content
    )
    stream = (data + END)[: -cut or None]
    with suppress(UnpackRefused):
        unpack(pieces(stream, size), target, LIMITS)
    assert is_untouched(target)
    for path in target.rglob("*"):
        assert stat.S_ISDIR(mode := path.lstat().st_mode) or stat.S_ISREG(mode) or stat.S_ISLNK(mode)
        assert path.is_symlink() or path.lstat().st_nlink == 1 or path.is_dir()


def test_what_to_do_about_a_limit_is_said(target: Path) -> None:
    with pytest.raises(UnpackRefused, match="there are more than 1 files; raise it"):
        unpack(tar_of(member("a"), member("b")), target, UnpackLimits(bytes=9, files=1, hint="raise it"))


def test_links_on_the_way_to_a_directory(target: Path) -> None:
    unpack(
        tar_of(member("top", DIR), member("top/sub", DIR), member("top/in", LINK, link="sub")), target, LIMITS
    )
    check_inside(target, target / "top", target / "top/in", target / "top/in/none")
    (target / "out").symlink_to("..")
    (target / "self").symlink_to("self")
    for path in ("out", "out/none", "self"):
        with pytest.raises(UnpackRefused, match=f"'{path}' of the checkout is a link that leads out of it"):
            check_inside(target, target / "top", target / path)
