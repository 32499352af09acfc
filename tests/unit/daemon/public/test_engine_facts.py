"""Containers and images as they are shown."""

from pathlib import Path

import pytest

from koji_adjutant.config import Config
from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerSpec
from koji_adjutant.daemon.public.directory import make_readable
from koji_adjutant.daemon.public.engine_facts import show_containers, show_images
from koji_adjutant.journal.public import Containers, Images, public_directory, read_facts
from tests.fakes.containers import FakeContainerManager


@pytest.fixture
def config(tmp_path: Path) -> Config:
    made = Config(
        server="http://hub", topurls=("http://hub/files",), state_dir=tmp_path, monitoring_enabled=True
    )
    make_readable(made)
    return made


def test_containers_of_all_workers_and_no_labels_of_others(config: Config) -> None:
    manager = FakeContainerManager()
    manager.images.add("image", {}, {})
    for worker, task in (("ours", 7), ("theirs", 9)):
        owner = labels.Owner(worker=worker, task_id=task, build_tag="f40-build", arch="x86_64")
        found = {**owner.labels(labels.Role.BUILD), "secret": "of the operator"}
        manager.create(ContainerSpec(image="image", command=("sleep",), labels=found))
    manager.create(ContainerSpec(image="image", command=("sleep",), labels={"other": "thing"}))
    show_containers(config, manager)
    shown = read_facts(Containers, public_directory(config.state_dir) / "containers.json")
    assert shown is not None
    assert {(one.worker, one.task, one.role, one.image) for one in shown.containers} == {
        ("ours", 7, "build", "image"),
        ("theirs", 9, "build", "image"),
    }
    assert {name for one in shown.containers for name in one.labels} == {
        labels.WORKER,
        labels.ROLE,
        labels.TASK,
        labels.TAG,
        labels.ARCH,
    }


def test_no_image_is_something_to_show(config: Config) -> None:
    show_images(config, FakeContainerManager())
    shown = read_facts(Images, public_directory(config.state_dir) / "images.json")
    assert shown is not None
    assert (shown.images, shown.limit_bytes) == ((), config.buildroot_cache_size)
