"""A root's archive cut into layers: nothing lost, nothing twice but directories, hard links with their targets."""

from pathlib import Path

import pytest

from koji_adjutant.buildroot.images.archive import Layer
from koji_adjutant.buildroot.images.layered.layers import Changes, LayerSizes, read_members
from koji_adjutant.errors import BuildrootFailed
from tests.unit.buildroot.images.root_archive import Root


@pytest.fixture
def root(tmp_path: Path) -> Root:
    return Root(tmp_path / "root.tar")


def names(layer: Layer) -> list[str]:
    return [member.name for member in layer.members]


def test_no_layer_is_too_large_but_for_one_file(root: Root) -> None:
    root.directory("usr")
    for number in range(40):
        root.file(f"usr/{number}", b"x" * 900)
    root.file("usr/large", b"x" * 50_000)
    root.file("usr/last", b"x")
    layers = root.plan()
    assert [layer.bytes for layer in layers if layer.bytes > 10_000] == [51_200]
    (large,) = (layer for layer in layers if "usr/large" in names(layer))
    assert names(large) == ["usr", "usr/large"]
    files = [name for layer in layers for name in names(layer) if name != "usr"]
    assert files == [*(f"usr/{number}" for number in range(40)), "usr/large", "usr/last"]


def test_there_are_not_too_many_layers(root: Root) -> None:
    for number in range(100):
        root.file(f"{number}", b"x" * 900)
    assert len(root.plan(sizes=LayerSizes(bytes=10_000, members=2, most_layers=4))) <= 5


def test_a_hard_link_is_in_the_layer_of_its_target(root: Root) -> None:
    root.file("a", b"x" * 900)
    for number in range(30):
        root.file(f"b{number}", b"x" * 900)
    root.directory("z")
    root.link("z/link", "a")
    root.link("z/second", "z/link")
    first, *others = root.plan()
    assert names(first)[-3:] == ["z", "z/link", "z/second"]
    assert not any("z/link" in names(layer) for layer in others)


def test_only_what_changed_is_in_the_layers_of_an_addition(root: Root) -> None:
    root.directory("a")
    root.directory("untouched")
    root.file("untouched/file")
    root.file("a/new", b"new")
    root.file("a/target")
    root.link("a/link", "a/target")
    root.file("now-a-file")
    changes = Changes(
        changed=frozenset({"a/new", "a/link", "now-a-file"}),
        removed=("a/gone", "gone", "now-a-file/below", "untouched/gone"),
    )
    (layer,) = root.plan(changes)
    assert names(layer) == ["a", "untouched", "a/new", "a/target", "a/link", "now-a-file"]
    assert layer.whiteouts == ["a/.wh.gone", ".wh.gone", "untouched/.wh.gone"]


def test_what_was_done_between_two_looks_at_a_root() -> None:
    earlier = {"same": b"1", "other": b"2", "gone": b"3", "gone/a": b"4", "gone/b": b"5"}
    changes = Changes.between(earlier, {"same": b"1", "other": b"6", "new": b"7"})
    assert changes.changed == {"other", "new"}
    assert changes.removed == ("gone",)


def test_a_damaged_export_is_said_to_be_one(tmp_path: Path) -> None:
    path = tmp_path / "root.tar"
    path.write_bytes(b"x" * 2048)
    with pytest.raises(BuildrootFailed, match="export of a buildroot is damaged"):
        tuple(read_members(path))
