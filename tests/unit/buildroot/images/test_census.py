"""The census of a root: what it counts, what it holds against an image, and how it comes in pieces."""

from dataclasses import replace
from pathlib import Path

import pytest

from koji_adjutant.buildroot.images.census import Census, CensusSink, RootEntry, census_spec, take_census
from koji_adjutant.config import Config
from koji_adjutant.container.labels import Owner
from koji_adjutant.errors import BuildrootFailed, Problem
from tests.fakes.containers import CommandResult, FakeContainerManager

LISTING = b"bash\t5\t1\t(none)\tx86_64\t1\t2\t" + b"0" * 32 + b"\n"
ROOT = b"d 755 0 0 9 40 0 1 3.5 4.5 \0\0"


def file(
    path: bytes, size: int = 10, *, blocks: int = 8, inode: int = 7, more: bytes = b"644 0 0 1"
) -> bytes:
    return b"f %b %d %d %d 100.25 200.5 %b\0\0" % (more, size, blocks, inode, path)


def taken(*entries: bytes, capabilities: bytes = b"", piece: int = 1 << 20) -> Census:
    sink = CensusSink()
    data = b"\0".join((LISTING, capabilities, b"".join((ROOT, *entries))))
    for start in range(0, len(data), piece):
        sink.write("stdout", data[start : start + piece])
    return sink.census()


def test_it_counts_paths_and_bytes_and_knows_the_packages() -> None:
    link = b"l 777 0 0 1 4 0 9 1.5 2.5 lib\0usr/lib\0"
    found = taken(file(b"a", 10), file(b"b", 20, inode=8), link)
    assert found.kinds == {"d": 1, "f": 2, "l": 1}
    assert found.apparent_bytes == 30
    assert [package.nevra for package in found.packages] == ["bash-5-1.x86_64"]
    assert found.root == RootEntry(mode=0o755, mtime=3)
    assert found.unfit() is None


def test_pieces_of_any_size_make_the_same_census() -> None:
    entries = (file(b"a b\nc", 10), file(b"\xff\xfe", 20, inode=8))
    whole = taken(*entries)
    assert taken(*entries, piece=1) == whole
    assert "\udcff\udcfe" in whole.paths


def test_a_hard_link_has_its_bytes_once() -> None:
    assert taken(file(b"a", 10), file(b"b", 10)).apparent_bytes == 10


@pytest.mark.parametrize(
    "entry", [b"s 755 0 0 1 0 0 5 1.5 2.5 run/socket\0\0", file(b"usr/.wh.x"), file(b".wh..wh..opq")]
)
def test_what_no_image_keeps_is_named(entry: bytes) -> None:
    path = entry.split(b"\0")[0].split(b" ")[-1].decode()
    assert taken(file(b"a"), entry).unfit() == Problem(f"an image cannot keep /{path}")


def test_holes_are_held_against_it_and_small_ones_are_not() -> None:
    assert "holes" in str(taken(file(b"sparse", 300 << 20)).unfit())
    compressed = [file(b"%d" % number, 10 << 20, inode=number) for number in range(40)]
    assert taken(*compressed).unfit() is None


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (file(b"a", 11), "its files have 11 bytes, 10 before"),
        (b"l 777 0 0 1 4 0 9 1.5 2.5 a\0b\0", "paths by kind"),
        (file(b"b"), "owners, modes, times or links"),
        (file(b"a", more=b"4644 0 0 1"), "owners, modes, times or links"),
        (file(b"a", more=b"644 1 0 1"), "owners, modes, times or links"),
        (file(b"a", more=b"644 0 0 2"), "owners, modes, times or links"),
    ],
)
def test_every_difference_is_seen(other: bytes, said: str) -> None:
    assert said in str(taken(file(b"a")).difference(taken(other)))


def test_capabilities_packages_and_the_root_itself_are_compared() -> None:
    one = taken(file(b"a"))
    assert one.difference(taken(file(b"a"))) is None
    assert one.difference(taken(file(b"a"), capabilities=b"/buildroot/a cap_net_raw=ep\n"))
    assert "0 packages" in str(one.difference(replace(one, packages=())))
    assert "mode 555, 755 before" in str(one.difference(replace(one, root=RootEntry(mode=0o555))))


def test_a_path_that_was_touched_has_another_digest() -> None:
    before = taken(file(b"same"), file(b"other"))
    after = taken(file(b"same"), b"f 644 0 0 1 10 8 7 100.25 200.75 other\0\0", file(b"new"))
    assert before.paths["same"] == after.paths["same"]
    assert before.paths["other"] != after.paths["other"]
    assert after.paths.keys() - before.paths.keys() == {"new"}


def test_one_that_was_cut_off_is_none() -> None:
    sink = CensusSink()
    sink.write("stdout", b"\0".join((LISTING, b"", ROOT[:-3])))
    with pytest.raises(BuildrootFailed, match="before its time"):
        sink.census()


def test_it_is_not_taken_without_end() -> None:
    sink = CensusSink(limit=100)
    with pytest.raises(BuildrootFailed, match="over 100 bytes"):
        sink.write("stdout", b"\0".join(file(b"a") for _ in range(10)))


def test_its_container_reads_and_no_more(tmp_path: Path) -> None:
    config = Config(server="http://h", topurls=("http://h",), cache_dir=tmp_path)
    spec = census_spec(config, Owner(worker="w"), "task", "/root")
    assert spec.network == "none"
    assert spec.capabilities == {"DAC_READ_SEARCH"}
    assert [(mount.source, mount.read_only) for mount in spec.mounts] == [("/root", True)]


def test_a_script_that_fails_says_why(tmp_path: Path) -> None:
    config = Config(server="http://h", topurls=("http://h",), cache_dir=tmp_path)
    manager = FakeContainerManager()
    manager.add_image("task")
    said = (("stderr", b"rpm: not\nfound"),)
    manager.script(("/bin/bash",), CommandResult(exit_code=127, output=said))  # type: ignore[arg-type]
    with pytest.raises(BuildrootFailed, match="status 127: rpm: not found"):
        take_census(manager, config, Owner(worker="w"), "task", "/root")
