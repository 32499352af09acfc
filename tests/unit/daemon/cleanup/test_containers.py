"""Removing containers by label."""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from koji_adjutant.container.interface import ContainerInfo, ContainerSpec
from koji_adjutant.container.labels import PROCESS, ROLE, WORKER, Owner, Role
from koji_adjutant.daemon.cleanup.bound_containers import process_label
from koji_adjutant.daemon.cleanup.containers import Sweeper, make_workdir, remove_workdir
from koji_adjutant.errors import EngineDamaged, EngineUnavailable
from koji_adjutant.journal.phases import EventName, Phase
from tests.fakes.containers import FakeContainerManager

WORKER_NAME = "w1"
IMAGE = "image"


class Events:
    """A journal in memory."""

    def __init__(self) -> None:
        self.seen: list[tuple[EventName, int | None, str]] = []

    def record(
        self, name: EventName, /, *, task: int | None = None, container: str = "", **_details: object
    ) -> None:
        self.seen.append((name, task, container))


@pytest.fixture
def manager() -> FakeContainerManager:
    made = FakeContainerManager()
    made.add_image(IMAGE)
    return made


@pytest.fixture
def events() -> Events:
    return Events()


def test_what_is_being_made_now_is_left(
    manager: FakeContainerManager, sweeper: Sweeper, mocker: MockerFixture
) -> None:
    half = [ContainerInfo(id=name, state="storage", labels={}, name=f"adjutant-w1-{name}") for name in "ab"]
    manager.unfinished = half
    removed = mocker.spy(manager, "remove")
    replace(sweeper, sleep=lambda _seconds: half.pop(0)).sweep_unfinished()
    assert [call.args for call in removed.call_args_list] == [("b",)]


@pytest.fixture
def sweeper(manager: FakeContainerManager, events: Events) -> Sweeper:
    return Sweeper(manager=manager, journal=events, worker=WORKER_NAME, sleep=lambda _: None)


def container(
    manager: FakeContainerManager, task: int | None, role: Role = Role.BUILD, worker: str = WORKER_NAME
) -> str:
    owner = Owner(worker=worker, task_id=task)
    identifier = manager.create(ContainerSpec(image=IMAGE, command=("sleep", "9"), labels=owner.labels(role)))
    manager.start(identifier)
    return identifier


def left(manager: FakeContainerManager) -> set[str]:
    return {one.id for worker in (WORKER_NAME, "w2") for one in manager.find({WORKER: worker})}


def test_a_task_is_swept_alone(
    sweeper: Sweeper, manager: FakeContainerManager, events: Events, tmp_path: Path
) -> None:
    build, solver = container(manager, 7), container(manager, 7, Role.SOLVER)
    kept = {container(manager, 8), container(manager, 7, worker="w2"), container(manager, None, Role.IMAGE)}
    (tmp_path / "work" / "x").mkdir(parents=True)
    sweeper.sweep_task(7, str(tmp_path / "work"))
    assert left(manager) == kept
    assert not (tmp_path / "work").exists()
    assert sorted(events.seen) == sorted([(Phase.SWEPT, 7, build), (Phase.SWEPT, 7, solver)])


def test_a_container_that_comes_late_is_found(sweeper: Sweeper, manager: FakeContainerManager) -> None:
    replace(sweeper, sleep=lambda _: container(manager, 7)).sweep_task(7, "/nonexistent")
    assert left(manager) == set()


def test_a_worker_is_swept_alone(sweeper: Sweeper, manager: FakeContainerManager) -> None:
    container(manager, 7)
    container(manager, None, Role.IMAGE)
    kept = container(manager, 7, worker="w2")
    sweeper.sweep_worker()
    assert left(manager) == {kept}


def test_leftovers(sweeper: Sweeper, manager: FakeContainerManager) -> None:
    running, image = container(manager, 7), container(manager, None, Role.IMAGE)
    container(manager, 8)
    sweeper.sweep_leftovers(lambda: frozenset({7}), images=False)
    assert left(manager) == {running, image}
    sweeper.sweep_leftovers(lambda: frozenset({7}), images=True)
    assert left(manager) == {running}


def shell(manager: FakeContainerManager, process: str) -> str:
    found = {WORKER: WORKER_NAME, ROLE: Role.SHELL.value, PROCESS: process}
    return manager.create(ContainerSpec(image=IMAGE, command=("sleep", "9"), labels=found))


def test_a_shell_is_left_to_whoever_sits_at_it(sweeper: Sweeper, manager: FakeContainerManager) -> None:
    # The fake's containers are made in the first second of 1970.
    sweeper = replace(sweeper, clock=lambda: 60.0)
    here, gone = shell(manager, process_label(os.getpid())), shell(manager, "1 0 no-boot pid:[0]")
    container(manager, 7)
    sweeper.sweep_leftovers(lambda: frozenset({7}), images=False)
    assert here in left(manager)
    assert gone not in left(manager)
    sweeper.sweep_worker()
    assert left(manager) == {here}


def test_a_task_that_starts_at_the_same_moment_keeps_its_container(
    sweeper: Sweeper, manager: FakeContainerManager
) -> None:
    """It says that it runs, and then makes a container; both after the sweep has begun."""
    running: set[int] = set()
    shown = manager.find

    def find(labels: Mapping[str, str]) -> tuple[ContainerInfo, ...]:
        running.add(8)
        container(manager, 8)
        return shown(labels)

    manager.find = find  # type: ignore[method-assign]
    sweeper.sweep_leftovers(lambda: frozenset(running), images=True)
    manager.find = shown  # type: ignore[method-assign]
    assert len(left(manager)) == 1


def test_a_trial_of_the_engine_lasts_as_long_as_its_process(
    sweeper: Sweeper, manager: FakeContainerManager
) -> None:
    sweeper = replace(sweeper, clock=lambda: 60.0)

    def trial(process: str) -> str:
        found = {WORKER: WORKER_NAME, ROLE: Role.TOOL.value, PROCESS: process}
        return manager.create(ContainerSpec(image=IMAGE, command=("true",), labels=found))

    here = trial(process_label(os.getpid()))
    trial("1 0 no-boot pid:[0]")
    sweeper.sweep_leftovers(frozenset, images=True)
    assert left(manager) == {here}


def test_one_that_cannot_be_removed_does_not_keep_the_others(
    sweeper: Sweeper, manager: FakeContainerManager
) -> None:
    first = container(manager, 7)
    container(manager, 7)
    manager.fail_next("remove", EngineUnavailable("busy"))
    with pytest.raises(EngineUnavailable, match="busy"):
        sweeper.sweep_worker()
    assert left(manager) == {first}


def test_one_that_lacks_part_of_its_storage_is_removed(
    sweeper: Sweeper, manager: FakeContainerManager
) -> None:
    container(manager, 7)
    manager.fail_next("kill", EngineDamaged("layer not known"))
    sweeper.sweep_leftovers(frozenset, images=True)
    assert not left(manager)


def test_a_work_directory_that_is_not_there() -> None:
    remove_workdir("/nonexistent/tasks/1")


def test_the_directory_above_goes_with_the_last_task(tmp_path: Path) -> None:
    one, other = (tmp_path / "tasks" / "711" / number for number in ("4711", "14711"))
    for directory in (one, other):
        make_workdir(str(directory))
        (directory / "file").touch()
    make_workdir(str(one))
    assert list(one.iterdir()) == []
    remove_workdir(str(one))
    assert other.exists()
    remove_workdir(str(other))
    assert list((tmp_path / "tasks").iterdir()) == []


def test_tasks_of_one_directory_do_not_hinder_each_other(tmp_path: Path) -> None:
    """What one removes because it is empty, the other was about to use."""

    def work(number: int) -> None:
        directory = tmp_path / "tasks" / "711" / f"{number}4711"
        for _ in range(300):
            make_workdir(str(directory))
            (directory / "file").touch()
            remove_workdir(str(directory))

    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(work, number) for number in range(4)]:
            done.result()
