"""The archive that an engine loads: layers of the very bytes of a root's export, and what the image says of itself."""

import hashlib
import io
import json
import random
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from koji_adjutant.buildroot.images.archive import Archive, Layer, NewImage
from koji_adjutant.buildroot.images.census import RootEntry
from koji_adjutant.buildroot.images.layered.layers import Changes
from koji_adjutant.errors import BuildrootFailed
from tests.unit.buildroot.images.root_archive import Root

CAPABILITY = {"SCHILY.xattr.security.capability": "\x01\udcff\x00"}


@pytest.fixture
def root(tmp_path: Path) -> Root:
    return Root(tmp_path / "root.tar")


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


def layer_archives(root: Root, layers: Sequence[Layer]) -> list[bytes]:
    found, _ = loaded(root, layers)
    return [content for name, content in sorted(found.items()) if name.endswith(".tar")]


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


def test_an_export_that_is_too_short_is_no_image(root: Root) -> None:
    root.file("a", b"x" * 5000)
    layers = root.plan()
    root.path.write_bytes(root.path.read_bytes()[:2000])
    with pytest.raises(BuildrootFailed, match="before its time"):
        loaded(root, layers)


def test_what_is_taken_away_stands_at_the_end_of_a_layer(root: Root) -> None:
    root.directory("a")
    root.file("a/new", b"new")
    (layer,) = root.plan(Changes(changed=frozenset({"a/new"}), removed=("a/gone", "gone")))
    (content,) = layer_archives(root, [layer])
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        assert tar.getnames() == ["", "a", "a/new", "a/.wh.gone", ".wh.gone"]
