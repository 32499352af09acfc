"""What every ContainerManager does with images and with the roots that images are made of: fake and real podman."""

import io
import shutil
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from koji_adjutant.buildroot.images.archive import Archive, Layer, NewImage
from koji_adjutant.buildroot.images.keys import EARLIER_EMPTY_IMAGES, EMPTY_IMAGE
from koji_adjutant.buildroot.images.layered.layers import Changes, plan_layers, read_members
from koji_adjutant.buildroot.images.removal import Limits, prune
from koji_adjutant.buildroot.images.usage import UsageRecords
from koji_adjutant.container.interface import ContainerManager
from koji_adjutant.errors import EngineError
from koji_adjutant.journal.phases import NullJournal
from tests.contract.containers import IMAGE, WORKER, spec
from tests.fakes.containers import FakeContainerManager

MADE = "localhost/contract-made"
LABELS = {"key": '{"k": "a b"}', "other": "x=y"}


@pytest.fixture(params=["fake", pytest.param("podman", marks=pytest.mark.podman)])
def manager_of(request: pytest.FixtureRequest) -> Iterator[ContainerManager]:
    if request.param == "fake":
        fake = FakeContainerManager()
        fake.add_image(IMAGE)
        yield fake
        return
    request.getfixturevalue("contract_image")
    manager: ContainerManager = request.getfixturevalue("manager")
    yield manager
    for name in ("1", "2", "3"):
        manager.remove_image(f"{MADE}:{name}")


def put(manager: ContainerManager, container: str, directory: Path, **files: str) -> None:
    """Write `files` into /work of a container."""
    for name, text in files.items():
        (directory / name).write_text(text)
        manager.copy_to(container, directory / name, "/work")


def text(manager: ContainerManager, image: str, name: str, directory: Path) -> str:
    """Content of a file in /work of an image."""
    with manager.created(replace(spec(), image=image)) as container:
        (found,) = manager.copy_from(container, f"/work/{name}", directory)
    return found.read_text()


def export(manager: ContainerManager, container: str, path: Path) -> Path:
    with manager.export_root(container) as stream, path.open("wb") as file:
        shutil.copyfileobj(stream, file)
    return path


def load(
    manager: ContainerManager, name: str, root: Path, layers: Sequence[Layer], known: Sequence[str] = ()
) -> Archive:
    image = NewImage(
        name=f"{MADE}:{name}", labels=LABELS, architecture="amd64", root=root, known=known, layers=layers
    )
    archive = Archive(image=image)
    assert manager.load_image(archive) == (image.name,)
    return archive


def test_the_root_of_a_container_that_never_ran_is_exported(
    manager_of: ContainerManager, tmp_path: Path
) -> None:
    with manager_of.created(spec()) as container:
        put(manager_of, container, tmp_path, one="first")
        with manager_of.export_root(container) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
            found = {
                member.name.removeprefix("./"): (
                    content.read() if (content := tar.extractfile(member)) else b""
                )
                for member in tar
                if member.isfile()
            }
    assert found["work/one"] == b"first"


def test_an_archive_becomes_an_image_with_its_labels(manager_of: ContainerManager, tmp_path: Path) -> None:
    with manager_of.created(spec()) as container:
        put(manager_of, container, tmp_path, one="first")
        root = export(manager_of, container, tmp_path / "root.tar")
    archive = load(manager_of, "1", root, plan_layers(tuple(read_members(root))))
    image = manager_of.inspect_image(f"{MADE}:1")
    assert image
    assert (image.names, image.labels) == ((f"{MADE}:1",), LABELS)
    assert image.layers == tuple(archive.diff_ids)
    assert image.architecture == "amd64"
    assert manager_of.inspect_image(image.id) == image
    assert manager_of.has_image(f"{MADE}:1")
    assert not manager_of.has_image(f"{MADE}:none")
    assert text(manager_of, f"{MADE}:1", "one", tmp_path) == "first"


def test_layers_that_the_engine_has_need_not_be_in_the_archive(
    manager_of: ContainerManager, tmp_path: Path
) -> None:
    with manager_of.created(spec()) as container:
        put(manager_of, container, tmp_path, one="first", two="second")
        root = export(manager_of, container, tmp_path / "root.tar")
    known = load(manager_of, "1", root, plan_layers(tuple(read_members(root)))).diff_ids
    with manager_of.created(replace(spec(), image=f"{MADE}:1")) as container:
        put(manager_of, container, tmp_path, one="changed", three="third")
        root = export(manager_of, container, tmp_path / "more.tar")
    changes = Changes(changed=frozenset({"work/one", "work/three"}), removed=("work/two",))
    layers = plan_layers(tuple(read_members(root)), changes)
    archive = load(manager_of, "2", root, layers, known)
    image = manager_of.inspect_image(f"{MADE}:2")
    assert image
    assert image.layers == (*known, *archive.diff_ids[len(known) :])
    assert len(image.layers) == len(known) + 1
    assert [text(manager_of, f"{MADE}:2", name, tmp_path) for name in ("one", "three")] == [
        "changed",
        "third",
    ]
    with pytest.raises(EngineError):
        text(manager_of, f"{MADE}:2", "two", tmp_path)
    assert text(manager_of, f"{MADE}:1", "two", tmp_path) == "second"


def test_a_layer_that_the_engine_does_not_have_has_to_be_there(
    manager_of: ContainerManager, tmp_path: Path
) -> None:
    root = tmp_path / "root.tar"
    tarfile.open(root, "w").close()
    with pytest.raises(EngineError):
        load(manager_of, "1", root, (), [f"sha256:{'7' * 64}"])
    assert manager_of.inspect_image(f"{MADE}:1") is None


def test_an_archive_that_is_none_is_refused(manager_of: ContainerManager) -> None:
    damaged = io.BytesIO()
    tarfile.open(fileobj=damaged, mode="w").close()
    with pytest.raises(EngineError, match="load an image"):
        manager_of.load_image([damaged.getvalue()])


def test_a_name_moves_from_image_to_image(manager_of: ContainerManager, tmp_path: Path) -> None:
    for name in ("1", "2"):
        with manager_of.created(spec()) as container:
            put(manager_of, container, tmp_path, one=name)
            manager_of.commit(container, f"{MADE}:{name}", {"key": "a b"})
    first, second = (manager_of.inspect_image(f"{MADE}:{name}") for name in ("1", "2"))
    assert first
    assert second
    for image in (first, second):
        manager_of.tag_image(image.id, f"{MADE}:3")
        found = manager_of.inspect_image(f"{MADE}:3")
        assert found
        assert found.id == image.id
    manager_of.untag_image(f"{MADE}:2")
    manager_of.untag_image(f"{MADE}:2")
    assert manager_of.inspect_image(f"{MADE}:2") is None
    found = manager_of.inspect_image(second.id)
    assert found
    assert found.names == (f"{MADE}:3",)


def test_an_image_that_a_container_uses_loses_its_last_name_and_stays(
    manager_of: ContainerManager, tmp_path: Path
) -> None:
    with manager_of.created(spec()) as container:
        image = manager_of.commit(container, f"{MADE}:1", {"other": "x=y"})
    with manager_of.created(replace(spec(), image=image.id)):
        manager_of.untag_image(f"{MADE}:1")
        assert manager_of.inspect_image(f"{MADE}:1") is None
        with pytest.raises(EngineError) as refused:
            manager_of.remove_image(image.id)
        assert refused.value.status == 409
    assert manager_of.remove_image(image.id)


@pytest.mark.parametrize("earlier", EARLIER_EMPTY_IMAGES)
def test_the_empty_image_of_a_version_before_goes_once_nothing_uses_it(
    manager_of: ContainerManager, tmp_path: Path, earlier: str
) -> None:
    limits = Limits(size=0, age=0)

    def prune_all() -> None:
        prune([], manager_of, UsageRecords(tmp_path), limits, worker="contract", journal=NullJournal())

    prune_all()
    manager_of.import_empty_image(EMPTY_IMAGE)
    with manager_of.created(spec()) as container:
        # Other files than the one of now: that would be the same image with two names.
        manager_of.commit(container, earlier, {})
    with manager_of.created(replace(spec(), image=earlier)):
        prune_all()
        assert manager_of.has_image(earlier)
    prune_all()
    assert not manager_of.has_image(earlier)
    assert manager_of.remove_image(EMPTY_IMAGE)


def test_a_name_is_one_container_s_at_a_time(manager_of: ContainerManager) -> None:
    named = replace(spec(), name="contract-name")
    with manager_of.created(named) as container:
        with pytest.raises(EngineError, match="already in use") as refused, manager_of.created(named):
            raise AssertionError
        assert refused.value.status == 409
        found = manager_of.inspect("contract-name")
        assert found
        assert found.id == container
    assert manager_of.inspect("contract-name") is None
    with manager_of.created(named):
        assert len(manager_of.find(WORKER)) == 1
