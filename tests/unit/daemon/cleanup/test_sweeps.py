"""What a sweep takes, and what it leaves to those that live."""

import os
import time
from pathlib import Path

import pytest

from koji_adjutant.config import Config
from koji_adjutant.container.interface import ContainerSpec
from koji_adjutant.container.labels import TASK, WORKER, Owner, Role
from koji_adjutant.daemon.cleanup.containers import SweepIntervals
from koji_adjutant.daemon.cleanup.sweeps import Sweeps
from koji_adjutant.daemon.tasks.state import StateDirectory
from koji_adjutant.handlers.base import Services
from koji_adjutant.host.files import JUMP
from koji_adjutant.journal.phases import NullJournal
from tests.fakes.containers import FakeContainerManager
from tests.unit.partial_files import killed_while_writing

IMAGE = "image"


@pytest.mark.parametrize("cache", ["cache", "/elsewhere"])
@pytest.mark.parametrize("again", [True, False])
def test_the_sweep_finds_them_wherever_they_are(tmp_path: Path, cache: str, again: bool) -> None:
    config = Config(
        server="http://h/hub",
        topurls=("http://h/files",),
        state_dir=tmp_path / "state",
        cache_dir=Path(cache if cache == "cache" else f"{tmp_path}{cache}"),
        workdir=str(tmp_path / "work"),
    )
    state = StateDirectory(config.state_dir)
    places = [state.path / name for name in (".", "tasks", "new")]
    places += [
        config.cache_dir / name
        for name in (".", "image-requests", "images", "solutions", "containment", "metadata/ab", "new/er")
    ]
    for place in places:
        place.mkdir(parents=True, exist_ok=True)
    left = [killed_while_writing(place / "a.json") for place in places]
    services = Services(
        config=config, manager=FakeContainerManager(), journal=NullJournal(), worker="w", poke=lambda: None
    )
    sweeps = Sweeps(services=services, state=state)
    if again:
        sweeps.again(frozenset(), images=True)
    else:
        sweeps.everything()
    assert not [file for file in left if file.exists()]


@pytest.fixture
def sweeps(state: StateDirectory, tmp_path: Path) -> Sweeps:
    config = Config(
        server="http://h/hub",
        topurls=("http://h/files",),
        topdir=str(tmp_path / "topdir"),
        state_dir=state.path,
        cache_dir=tmp_path / "cache",
        workdir=str(tmp_path / "work"),
    )
    config.cache_dir.mkdir()
    manager = FakeContainerManager()
    manager.add_image(IMAGE)
    services = Services(config=config, manager=manager, journal=NullJournal(), worker="w")
    quick = SweepIntervals(second_look=0.0, making=0.0, settle=0.0)
    return Sweeps(services=services, state=state, intervals=quick)


def begun(sweeps: Sweeps, task: int) -> Path:
    """A task with a work directory and a container; its work directory."""
    workdir = Path(sweeps.services.config.workdir) / "tasks" / str(task) / str(task)
    workdir.mkdir(parents=True)
    sweeps.state.begin(task, "build", str(workdir))
    owner = Owner(worker="w", task_id=task)
    sweeps.services.manager.create(
        ContainerSpec(image=IMAGE, command=("sleep", "9"), labels=owner.labels(Role.BUILD))
    )
    return workdir


def tasks_with_containers(sweeps: Sweeps) -> set[str]:
    return {found.labels[TASK] for found in sweeps.services.manager.find({WORKER: "w"})}


def test_one_task_is_forgotten_and_no_other(sweeps: Sweeps) -> None:
    gone, kept = begun(sweeps, 7), begun(sweeps, 8)
    found = sweeps.state.find(7)
    assert found
    sweeps.task(found)
    assert not gone.exists()
    assert kept.exists()
    assert tasks_with_containers(sweeps) == {"8"}
    assert [one.task for one in sweeps.state.tasks()] == [8]


def test_everything_is_all_but_what_runs(sweeps: Sweeps) -> None:
    gone, kept = begun(sweeps, 7), begun(sweeps, 8)
    sweeps.everything(frozenset({8}))
    assert not gone.exists()
    assert kept.exists()
    assert tasks_with_containers(sweeps) == {"8"}
    assert [one.task for one in sweeps.state.tasks()] == [8]


def test_later_only_what_no_living_task_owns(sweeps: Sweeps) -> None:
    """What a task that has ended left is its clean-up's; a process that lives may be about to make its container."""
    begun(sweeps, 7)
    sweeps.again(frozenset(), images=False)
    assert tasks_with_containers(sweeps) == {"7"}, "this process lives"
    sweeps.state.end(7)
    sweeps.again(frozenset(), images=False)
    assert tasks_with_containers(sweeps) == set()


def test_old_logs_are_those_past_their_age(sweeps: Sweeps) -> None:
    config = sweeps.services.config
    old, new = (Path(config.topdir) / "logs" / number / "container.log" for number in ("7", "8"))
    for log in (old, new):
        log.parent.mkdir(parents=True)
        log.touch()
    past = time.time() - config.container_log_age - 2 * JUMP
    os.utime(old, (past, past))
    sweeps.old_logs()
    assert not old.parent.exists()
    assert new.exists()
