"""A trial of the engine: what a task would meet with."""

from pathlib import Path

import pytest

from koji_adjutant.config import Config
from koji_adjutant.container import labels
from koji_adjutant.daemon.engine.trial import EngineTrial
from koji_adjutant.errors import EngineBroken, EngineError, EngineUnavailable
from tests.fakes.containers import CommandResult, FakeContainerManager

IMAGE = "localhost/task:1"
BASH = ("/bin/bash", "-c", ":")


@pytest.fixture
def manager() -> FakeContainerManager:
    return FakeContainerManager()


@pytest.fixture
def trial(tmp_path: Path) -> EngineTrial:
    config = Config(
        server="http://h", topurls=("http://h",), task_image_default=IMAGE, state_dir=tmp_path / "state"
    )
    return EngineTrial(config=config, worker="w")


def test_an_engine_that_works(trial: EngineTrial, manager: FakeContainerManager) -> None:
    manager.add_image(IMAGE)
    manager.script(BASH, CommandResult())
    trial(manager)
    assert manager.find({}) == ()
    (spec,) = manager.specs
    assert spec.labels[labels.WORKER] == "w"
    assert spec.labels[labels.PROCESS], "a sweep finds it when its helper is killed"
    assert spec.network == "none"


def test_where_the_image_is_not_there_yet_the_storage_is_tried(
    trial: EngineTrial, manager: FakeContainerManager
) -> None:
    trial(manager)
    (spec,) = manager.specs
    assert spec.image != IMAGE
    assert manager.find({}) == ()


def test_a_runtime_that_does_not_work(trial: EngineTrial, manager: FakeContainerManager) -> None:
    manager.add_image(IMAGE)
    manager.script(BASH, CommandResult(exit_code=127))
    with pytest.raises(EngineBroken, match="ended with status 127") as raised:
        trial(manager)
    assert "podman rmi" in raised.value.hint
    assert manager.find({}) == ()


@pytest.mark.parametrize("has_image", [True, False])
def test_a_storage_that_refuses(trial: EngineTrial, manager: FakeContainerManager, has_image: bool) -> None:
    if has_image:
        manager.add_image(IMAGE)
    manager.fail_next("create", EngineError("no space left on device", status=500))
    with pytest.raises(EngineBroken, match=f"a container of image {IMAGE}: no space left"):
        trial(manager)


def test_an_engine_that_is_away_says_so_itself(trial: EngineTrial, manager: FakeContainerManager) -> None:
    manager.add_image(IMAGE)
    manager.fail_next("create", EngineUnavailable("nobody listens"))
    with pytest.raises(EngineUnavailable, match="nobody listens"):
        trial(manager)
