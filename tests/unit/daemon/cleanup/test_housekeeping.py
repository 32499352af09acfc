"""The helpers of the main process. What they do happens in children, so an engine on disk stands in."""

import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.buildroot.images.keys import unchecked
from koji_adjutant.buildroot.images.requests import requests_directory
from koji_adjutant.buildroot.images.unclean_boot import BOOT
from koji_adjutant.config import Config
from koji_adjutant.container.interface import ContainerInfo
from koji_adjutant.container.labels import TASK, WORKER
from koji_adjutant.daemon.cleanup import housekeeping
from koji_adjutant.daemon.cleanup.containers import SweepIntervals
from koji_adjutant.daemon.cleanup.housekeeping import Housekeeping, Intervals
from koji_adjutant.daemon.tasks.state import StateDirectory
from koji_adjutant.errors import EngineUnavailable
from koji_adjutant.handlers.base import Services
from koji_adjutant.journal.phases import NullJournal
from tests.fakes.containers import FakeContainerManager
from tests.waiting import eventually, for_ever, take

PATIENCE = 20.0


class DiskManager(FakeContainerManager):
    """Containers are files, named by task: children and parent see the same ones."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.directory = directory
        self.seconds = 0.0
        directory.mkdir()

    def add(self, task: int) -> Path:
        file = self.directory / str(task)
        file.touch()
        return file

    def find(self, labels: Any) -> tuple[ContainerInfo, ...]:
        take(self.seconds)
        if (self.directory / "away").exists():
            raise EngineUnavailable("the engine is away")
        return tuple(
            ContainerInfo(id=file.name, state="running", labels={WORKER: "w", TASK: file.name}, created=1.0)
            for file in self.directory.iterdir()
        )

    def kill(self, container: str) -> None:
        """A file does not run."""

    def remove(self, container: str) -> None:
        (self.directory / container).unlink(missing_ok=True)


@pytest.fixture
def manager(tmp_path: Path) -> DiskManager:
    return DiskManager(tmp_path / "containers")


@pytest.fixture
def services(manager: DiskManager, tmp_path: Path) -> Services:
    # However full the disk of this machine is.
    config = Config(server="http://h", topurls=("http://h",), state_dir=tmp_path / "state", minspace=0)
    return Services(config=config, manager=manager, journal=NullJournal(), worker="w")


# What begins by the clock begins in the middle of a test on a busy machine.
INTERVALS = Intervals(
    second_sweep=2 * PATIENCE,
    first_old_logs=2 * PATIENCE,
    sweeps=SweepIntervals(second_look=0.01, making=0.01, settle=0.01),
)
AT_ONCE = replace(INTERVALS, retry=0.0)


@pytest.fixture
def keeper(
    services: Services, state: StateDirectory, request: pytest.FixtureRequest
) -> Iterator[Housekeeping]:
    """With INTERVALS, or those that a test gives as its parameter."""
    intervals = getattr(request, "param", INTERVALS)
    made = Housekeeping(services, state, lambda: None, intervals=intervals)
    yield made
    made.finish(PATIENCE)


def work_until(keeper: Housekeeping, is_so: Callable[[], bool]) -> None:
    def work() -> bool:
        keeper.work({})
        return is_so()

    eventually(work)


def test_it_begins_with_a_sweep(keeper: Housekeeping, manager: DiskManager) -> None:
    old = manager.add(7)
    assert str(keeper.problem()) == "Containers of an earlier run are not removed yet"
    keeper.sweep_first(PATIENCE)
    assert not keeper.problem()
    assert not old.exists()


def test_images_of_a_boot_that_ended_badly_are_looked_at(
    keeper: Housekeeping, services: Services, state: StateDirectory
) -> None:
    cache = services.config.cache_dir
    cache.mkdir()
    boot = {"version": 1, "boot_id": "the last", "since": 1.0, "clean": False}
    (state.path / BOOT).write_text(json.dumps(boot))
    keeper.sweep_first(PATIENCE)
    assert unchecked(cache)
    work_until(keeper, lambda: not unchecked(cache))
    keeper.finish(PATIENCE)
    assert json.loads((state.path / BOOT).read_text())["clean"]


def test_tasks_that_go_on_are_not_swept(
    keeper: Housekeeping, manager: DiskManager, state: StateDirectory, tmp_path: Path
) -> None:
    (tmp_path / "work").mkdir()
    state.begin(7, "build", str(tmp_path / "work"))
    kept, old = manager.add(7), manager.add(8)
    going_on: dict[int, Any] = {7: None}
    keeper.sweep_first(PATIENCE, going_on)
    assert kept.exists()
    assert not old.exists()
    assert state.knows(7)
    assert (tmp_path / "work").is_dir()
    keeper.leave()
    assert kept.exists()
    assert keeper.pidfds() == ()


@pytest.mark.parametrize("keeper", [AT_ONCE], indirect=True)
def test_no_task_is_taken_before_the_first_sweep_has_succeeded(
    keeper: Housekeeping, manager: DiskManager
) -> None:
    away = manager.directory / "away"
    away.touch()
    old = manager.add(7)
    keeper.sweep_first(PATIENCE)
    assert keeper.problem()
    away.unlink()
    work_until(keeper, lambda: not keeper.problem())
    assert not old.exists()


@pytest.mark.parametrize("keeper", [AT_ONCE], indirect=True)
def test_what_fails_every_time_says_so_now_and_then(
    keeper: Housekeeping,
    manager: DiskManager,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Helpers are processes of their own: what they say is looked for where it goes to."""
    handler = logging.StreamHandler(sys.stderr)
    logging.getLogger("koji.adjutant").addHandler(handler)
    away = manager.directory / "away"
    away.touch()
    try:
        for _ in range(6):
            keeper.sweep_first(PATIENCE)
        away.unlink()
        work_until(keeper, lambda: not keeper.problem())
    finally:
        logging.getLogger("koji.adjutant").removeHandler(handler)
    assert capfd.readouterr().err.count("sweep: the engine is away") == 1
    assert "sweep: done, after " in caplog.text


def test_a_task_that_left_its_state_is_cleaned_up(
    keeper: Housekeeping, manager: DiskManager, state: StateDirectory, tmp_path: Path
) -> None:
    keeper.sweep_first(PATIENCE)
    workdir = tmp_path / "work"
    (workdir / "sub").mkdir(parents=True)
    state.begin(7, "build", str(workdir))
    container, other = manager.add(7), manager.add(8)
    assert keeper.concerns(7)
    keeper.clean_up(7)
    keeper.clean_up(7)
    assert len(keeper.pidfds()) == 1
    work_until(keeper, lambda: not keeper.concerns(7))
    assert not container.exists()
    assert not workdir.exists()
    assert other.exists()


@pytest.mark.parametrize("keeper", [AT_ONCE], indirect=True)
def test_clean_up_is_tried_again(keeper: Housekeeping, manager: DiskManager, state: StateDirectory) -> None:
    keeper.sweep_first(PATIENCE)
    state.begin(7, "build", "/nonexistent")
    container = manager.add(7)
    away = manager.directory / "away"
    away.touch()
    keeper.work({})
    assert keeper.pidfds()
    away.unlink()
    work_until(keeper, lambda: not keeper.concerns(7))
    assert not container.exists()


@pytest.mark.parametrize("keeper", [replace(INTERVALS, second_sweep=0.0, sweep=0.0)], indirect=True)
def test_strays_are_removed_now_and_then(keeper: Housekeeping, manager: DiskManager) -> None:
    keeper.sweep_first(PATIENCE)
    leftover = manager.add(9)
    work_until(keeper, lambda: not leftover.exists())


def test_images_are_made_when_somebody_asks(
    keeper: Housekeeping, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "make_image", lambda path, *_, **__: path.unlink())
    directory = requests_directory(services.config)
    keeper.sweep_first(PATIENCE)
    directory.mkdir(parents=True)
    request = directory / "key.json"
    request.touch()
    work_until(keeper, lambda: not request.exists())


def test_images_wait_for_tasks_but_not_for_ever(
    keeper: Housekeeping, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "make_image", lambda path, *_, **__: path.unlink())
    directory = requests_directory(services.config)
    keeper.sweep_first(PATIENCE)
    directory.mkdir(parents=True)
    request = directory / "key.json"
    request.touch()
    running: dict[int, Any] = {7: None}
    keeper.work(running)
    assert keeper.pidfds() == ()
    keeper._intervals = replace(INTERVALS, image_patience=0.0)
    keeper.work(running)
    assert len(keeper.pidfds()) == 1
    work_until(keeper, lambda: not request.exists())


def test_images_wait_for_what_a_task_has_left(
    keeper: Housekeeping,
    services: Services,
    state: StateDirectory,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    made = tmp_path / "made"

    def make(path: Path, *_: object, **__: object) -> None:
        made.write_text(str(state.knows(7)))
        path.unlink()

    monkeypatch.setattr(housekeeping, "make_image", make)
    directory = requests_directory(services.config)
    keeper.sweep_first(PATIENCE)
    directory.mkdir(parents=True)
    (directory / "key.json").touch()
    state.begin(7, "build", str(tmp_path / "work"))
    keeper.clean_up(7)
    work_until(keeper, made.exists)
    assert made.read_text() == "False"


def test_images_wait_for_the_first_sweep(
    keeper: Housekeeping, services: Services, manager: DiskManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "make_image", lambda path, *_, **__: path.unlink())
    manager.seconds = 0.2
    directory = requests_directory(services.config)
    directory.mkdir(parents=True)
    request = directory / "key.json"
    request.touch()
    keeper.work({})
    keeper.work({})
    assert not any(kind == "images" for kind in keeper._helpers)
    work_until(keeper, lambda: not request.exists())
    assert not keeper.problem()


def test_an_image_that_another_worker_makes_is_looked_at_again_later(
    keeper: Housekeeping, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "make_image", lambda *_, **__: None)
    directory = requests_directory(services.config)
    keeper.sweep_first(PATIENCE)
    directory.mkdir(parents=True)
    (directory / "key.json").touch()
    keeper.work({})
    assert len(keeper.pidfds()) == 1
    work_until(keeper, lambda: not keeper.pidfds())
    keeper.work({})
    assert keeper.pidfds() == ()


def test_care_of_the_cache_is_a_helpers(
    keeper: Housekeeping, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper.sweep_first(PATIENCE)
    ended: list[tuple[str, bool]] = []
    works = {"works": (tmp_path / "done").touch, "fails": (tmp_path / "none" / "x").touch}
    due = iter(works.items())
    monkeypatch.setattr(keeper.cache, "due", lambda **_: [one] if (one := next(due, None)) else [])
    monkeypatch.setattr(keeper.cache, "ended", lambda name, *, is_done: ended.append((name, is_done)))
    work_until(keeper, lambda: len(ended) == len(works))
    assert sorted(ended) == [("fails", False), ("works", True)]
    assert (tmp_path / "done").exists()


def test_the_end_does_not_wait_for_an_image(
    keeper: Housekeeping, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = tmp_path / "began"

    def make_for_ever(*_: Any, **__: Any) -> None:
        began.write_text(str(os.getpid()))
        for_ever()

    monkeypatch.setattr(housekeeping, "make_image", make_for_ever)
    directory = requests_directory(services.config)
    keeper.sweep_first(PATIENCE)
    directory.mkdir(parents=True)
    request = directory / "key.json"
    request.touch()
    work_until(keeper, began.exists)
    started = time.monotonic()
    keeper.finish(PATIENCE)
    assert time.monotonic() - started < PATIENCE
    assert not Path(f"/proc/{began.read_text()}").exists()
    assert request.exists()


def test_the_end_leaves_nothing(keeper: Housekeeping, manager: DiskManager, state: StateDirectory) -> None:
    keeper.sweep_first(PATIENCE)
    containers = [manager.add(task) for task in (7, 8)]
    state.begin(7, "build", "/nonexistent")
    keeper.finish(PATIENCE)
    assert not any(container.exists() for container in containers)
    assert list(state.tasks()) == []
    assert keeper.pidfds() == ()


def test_a_slow_engine_does_not_keep_a_daemon_from_ending(
    keeper: Housekeeping, manager: DiskManager, caplog: pytest.LogCaptureFixture
) -> None:
    manager.seconds = PATIENCE * 2
    start = time.monotonic()
    keeper.finish(0.1)
    assert time.monotonic() - start < PATIENCE
    assert "containers are left" in caplog.text
    manager.seconds = 0.0
