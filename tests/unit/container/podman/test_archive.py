"""Archives out of containers are hostile, archives into containers are exact."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from koji_adjutant.container.podman.archive import pack, plain_parts, unpack
from koji_adjutant.errors import ContentRefused, EngineError
from tests.unit.hostile_names import HOSTILE_PATHS


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def tar_of(*members: tuple[tarfile.TarInfo, bytes]) -> io.BytesIO:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for info, data in members:
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    content.seek(0)
    return content


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "target"
    path.mkdir()
    (tmp_path / "outside").write_text("untouched")
    return path


@pytest.mark.parametrize("name", ["/etc/passwd", "../outside", "a/../../outside", "//x"])
def test_name_that_leaves_the_target_is_refused(target: Path, name: str) -> None:
    with pytest.raises(EngineError, match="not a plain name"):
        unpack(tar_of((member(name), b"evil")), target)
    assert (target.parent / "outside").read_text() == "untouched"
    assert list(target.iterdir()) == []


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_only_files_and_directories_are_written(target: Path, kind: bytes) -> None:
    written = unpack(tar_of((member("x", kind, "/etc/passwd"), b""), (member("y"), b"data")), target)
    assert written == (target / "y",)
    assert [path.name for path in target.iterdir()] == ["y"]


def test_link_in_the_archive_is_not_followed(target: Path) -> None:
    link = member("top/a", tarfile.SYMTYPE, str(target.parent))
    unpack(
        tar_of((member("top", tarfile.DIRTYPE), b""), (link, b""), (member("top/a/outside"), b"evil")), target
    )
    assert (target.parent / "outside").read_text() == "untouched"
    assert (target / "a" / "outside").read_bytes() == b"evil"
    assert not (target / "a").is_symlink()


def test_link_in_the_target_is_not_followed(target: Path) -> None:
    (target / "a").symlink_to(target.parent)
    (target / "outside").symlink_to(target.parent / "outside")
    with pytest.raises(OSError, match="a"):
        unpack(tar_of((member("a/outside"), b"evil")), target)
    with pytest.raises(OSError, match="outside"):
        unpack(tar_of((member("outside"), b"evil")), target)
    assert (target.parent / "outside").read_text() == "untouched"


def test_hard_link_is_to_a_file_of_the_same_archive_only(target: Path) -> None:
    top = (member("top", tarfile.DIRTYPE), b"")
    good = (member("top/b", tarfile.LNKTYPE, "top/a"), b"")
    written = unpack(tar_of(top, (member("top/a"), b"data"), good), target)
    assert [path.read_bytes() for path in written] == [b"data", b"data"]
    evil = (member("top/c", tarfile.LNKTYPE, "../outside"), b"")
    with pytest.raises(EngineError, match="hard link"):
        unpack(tar_of(top, evil), target)


def test_directory_that_was_asked_for_is_left_out_of_names(target: Path) -> None:
    members = (member("top", tarfile.DIRTYPE), b""), (member("top/sub/file name"), b"1")
    assert unpack(tar_of(*members), target) == (target / "sub" / "file name",)


@pytest.mark.parametrize(
    "name", [pytest.param(name, id=kind) for kind, name in HOSTILE_PATHS.items() if name and "\0" not in name]
)
def test_hostile_name_is_refused(target: Path, name: str) -> None:
    top = (member("top", tarfile.DIRTYPE), b"")
    for members in ([(member(f"{name}/x.rpm"), b"evil")], [top, (member(f"top/{name}/x.rpm"), b"evil")]):
        with pytest.raises(ContentRefused, match="not a plain name") as caught:
            unpack(tar_of(*members), target, suffix=".rpm")
        assert str(caught.value).isprintable()
    assert list(target.iterdir()) == []


def test_what_is_left_out_may_be_called_anything(target: Path) -> None:
    top = (member("top", tarfile.DIRTYPE), b"")
    odd = [(member(f"top/{name}"), b"") for name in ("50%", "what?", "a\nb")]
    directory = (member("top/100%", tarfile.DIRTYPE), b"")
    written = unpack(tar_of(top, directory, *odd, (member("top/a.rpm"), b"1")), target, suffix=".rpm")
    assert written == (target / "a.rpm",)
    assert list(target.iterdir()) == [target / "a.rpm"]


def test_what_is_not_below_the_directory_that_was_asked_for_is_refused(target: Path) -> None:
    with pytest.raises(ContentRefused, match="not a plain name below 'top'"):
        unpack(tar_of((member("top", tarfile.DIRTYPE), b""), (member("other/a"), b"1")), target)


def test_endless_entries_are_refused(target: Path) -> None:
    top = (member("top", tarfile.DIRTYPE), b"")
    nothing = [(member(f"top/{number}", tarfile.SYMTYPE, "x"), b"") for number in range(9)]
    assert unpack(tar_of(top, *nothing), target, suffix=".rpm", entries=10) == ()
    with pytest.raises(ContentRefused, match="more than 10 entries"):
        unpack(tar_of(top, *nothing, nothing[0]), target, suffix=".rpm", entries=10)


def test_only_names_with_the_suffix_are_written(target: Path) -> None:
    kept = (member("top/a.rpm"), b"1"), (member("top/b.rpm", tarfile.LNKTYPE, "top/a.rpm"), b"")
    left = (member("top/notes"), b"2"), (member("top/c.rpm", tarfile.LNKTYPE, "top/notes"), b"")
    top = (member("top", tarfile.DIRTYPE), b"")
    written = unpack(tar_of(top, *kept, *left), target, suffix=".rpm")
    assert written == (target / "a.rpm", target / "b.rpm")
    assert sorted(path.name for path in target.iterdir()) == ["a.rpm", "b.rpm"]


def test_what_is_larger_than_its_room_is_refused_before_it_is_written(target: Path) -> None:
    hole = member("hole")
    hole.size = 1 << 40
    with pytest.raises(ContentRefused, match=r"'hole' out of a container: with its 1099511627776 bytes"):
        unpack(io.BytesIO(hole.tobuf()), target, limit=1 << 30)
    two = tar_of((member("one"), b"x" * 60), (member("two"), b"x" * 60))
    with pytest.raises(ContentRefused, match="more than 100"):
        unpack(two, target, limit=100)
    assert [path.name for path in target.iterdir()] == ["one"]


def test_archive_that_is_cut_off_is_an_error(target: Path) -> None:
    whole = tar_of((member("x"), b"data" * 1000)).getvalue()
    with pytest.raises(EngineError, match="damaged"):
        unpack(io.BytesIO(whole[:2000]), target)


def test_plain_names_are_kept_as_they_are() -> None:
    assert plain_parts("a/b c/é/..d") == ("a", "b c", "é", "..d")


def test_packed_tree_is_the_tree_with_one_owner(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "sub").mkdir(parents=True)
    (source / "sub" / "file").write_bytes(b"x" * 100_000)
    (source / "sub" / "file").chmod(0o640)
    (source / "link").symlink_to("sub/file")
    os.link(source / "sub" / "file", source / "hard")
    with tarfile.open(fileobj=io.BytesIO(b"".join(pack(source, (12, 34))))) as tar:
        found = {info.name: info for info in tar}
        content = tar.extractfile("source/hard")
        assert content
        assert content.read() == b"x" * 100_000
    assert sorted(found) == ["source", "source/hard", "source/link", "source/sub", "source/sub/file"]
    assert {(info.uid, info.gid, info.uname) for info in found.values()} == {(12, 34, "")}
    assert found["source/sub/file"].mode == 0o640
    assert (found["source/link"].type, found["source/link"].linkname) == (tarfile.SYMTYPE, "sub/file")


def test_file_that_shrinks_while_it_is_packed_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"x" * 5_000_000)
    stream = pack(path, (0, 0))
    next(stream)
    path.write_bytes(b"")
    with pytest.raises(EngineError, match="shorter"):
        list(stream)


def test_pipe_cannot_be_packed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(EngineError, match="neither file, directory nor link"):
        list(pack(tmp_path / "pipe", (0, 0)))
