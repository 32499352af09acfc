"""A root's archive cut into layers: nothing lost, nothing twice but directories, hard links with their targets."""

import hashlib
import io
import json
import random
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from koji_adjutant.buildroot import image_layers
from koji_adjutant.buildroot.census import RootEntry
from koji_adjutant.buildroot.image_archive import Archive, NewImage
from koji_adjutant.buildroot.image_layers import Changes, Layer, plan_layers, read_members
from koji_adjutant.errors import BuildrootFailed

CAPABILITY = {"SCHILY.xattr.security.capability": "\x01\udcff\x00"}


class Root:
    """An archive of a root, member by member."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._tar = tarfile.open(path, "w", format=tarfile.PAX_FORMAT)  # noqa: SIM115

    def directory(self, name: str, mode: int = 0o755) -> None:
        self._add(name, tarfile.DIRTYPE, mode=mode)

    def file(self, name: str, content: bytes = b"", **headers: str) -> None:
        info = self._info(name, tarfile.REGTYPE)
        info.size, info.pax_headers = len(content), headers
        self._tar.addfile(info, io.BytesIO(content))

    def link(self, name: str, target: str) -> None:
        self._add(name, tarfile.LNKTYPE, target)

    def _add(self, name: str, kind: bytes, target: str = "", mode: int = 0o644) -> None:
        info = self._info(name, kind)
        info.linkname, info.mode = target, mode
        self._tar.addfile(info)

    @staticmethod
    def _info(name: str, kind: bytes) -> tarfile.TarInfo:
        info = tarfile.TarInfo(name)
        info.type = kind
        return info

    def plan(self, changes: Changes | None = None) -> list[Layer]:
        self._tar.close()
        return plan_layers(tuple(read_members(self.path)), changes)


@pytest.fixture
def root(tmp_path: Path) -> Root:
    return Root(tmp_path / "root.tar")


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_layers, "LAYER_BYTES", 10_000)
    monkeypatch.setattr(image_layers, "MOST_LAYERS", 1000)


def loaded(
    root: Root, layers: Sequence[Layer], known: Sequence[str] = ()
) -> tuple[dict[str, bytes], list[str]]:
    """The members of the image's archive, and its diff ids."""
    image = NewImage(
        name="localhost/x:1",
        labels={"a": "b"},
        architecture="amd64",
        root=root.path,
        entry=RootEntry(mode=0o700, uid=3),
        known=known,
        layers=layers,
    )
    archive = Archive(image=image)
    with tarfile.open(fileobj=io.BytesIO(b"".join(archive))) as tar:
        found = {member.name: file.read() for member in tar if (file := tar.extractfile(member))}
    return found, archive.diff_ids


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


def test_there_are_not_too_many_layers(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_layers, "MOST_LAYERS", 4)
    monkeypatch.setattr(image_layers, "LAYER_MEMBERS", 2)
    for number in range(100):
        root.file(f"{number}", b"x" * 900)
    assert len(root.plan()) <= 5


def test_each_layer_has_the_directories_above_its_files_with_their_modes(root: Root) -> None:
    root.directory("a", 0o700)
    root.directory("a/b", 0o1777)
    for number in range(30):
        root.file(f"a/b/{number}", b"x" * 900)
    for content in layer_archives(root, root.plan()):
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            found = {member.name: member.mode for member in tar if member.isdir()}
        assert (found["a"], found["a/b"]) == (0o700, 0o1777)
        assert found[""] == 0o700


def layer_archives(root: Root, layers: Sequence[Layer]) -> list[bytes]:
    found, _ = loaded(root, layers)
    return [content for name, content in sorted(found.items()) if name.endswith(".tar")]


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


def test_headers_and_contents_are_the_very_bytes(root: Root) -> None:
    chance = random.Random(1)
    contents = {f"file-{number}": chance.randbytes(chance.randrange(3000)) for number in range(50)}
    for name, content in contents.items():
        root.file(name, content)
    root.file("long-" + "x" * 300, b"long")
    root.file("bytes-\udcff", b"odd")
    root.file("capable", b"", **CAPABILITY)
    found: dict[str, bytes] = {}
    headers = {}
    for content in layer_archives(root, root.plan()):
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            for member in tar:
                file = tar.extractfile(member)
                found[member.name] = file.read() if file else b""
                headers[member.name] = member.pax_headers
    assert contents.items() <= found.items()
    assert found["long-" + "x" * 300] == b"long"
    assert found["bytes-\udcff"] == b"odd"
    assert CAPABILITY.items() <= headers["capable"].items()


def test_an_archive_says_what_it_is(root: Root) -> None:
    for number in range(30):
        root.file(f"{number}", b"x" * 900)
    known = [f"sha256:{'7' * 64}"]
    found, diff_ids = loaded(root, root.plan(), known)
    (manifest,) = json.loads(found["manifest.json"])
    config = json.loads(found[manifest["Config"]])
    assert manifest["RepoTags"] == ["localhost/x:1"]
    assert manifest["Config"] == f"{hashlib.sha256(found[manifest['Config']]).hexdigest()}.json"
    assert config["rootfs"]["diff_ids"] == diff_ids
    assert diff_ids[:1] == known
    assert config["config"]["Labels"] == {"a": "b"}
    first, *others = (found[name] for name in manifest["Layers"])
    assert not first.strip(b"\0")
    assert [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in others] == diff_ids[1:]


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
    (content,) = layer_archives(root, [layer])
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        assert tar.getnames()[-3:] == layer.whiteouts


def test_a_damaged_export_is_said_to_be_one(tmp_path: Path) -> None:
    path = tmp_path / "root.tar"
    path.write_bytes(b"x" * 2048)
    with pytest.raises(BuildrootFailed, match="export of a buildroot is damaged"):
        tuple(read_members(path))


def test_an_export_that_is_too_short_is_no_image(root: Root) -> None:
    root.file("a", b"x" * 5000)
    layers = root.plan()
    root.path.write_bytes(root.path.read_bytes()[:2000])
    with pytest.raises(BuildrootFailed, match="before its time"):
        loaded(root, layers)
