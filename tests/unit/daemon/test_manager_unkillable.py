"""A task process that was killed and lives on: in uninterruptible sleep, on a disk that does not answer."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest

from koji_adjutant.daemon import Daemon, manager
from koji_adjutant.daemon.poll import poll as poll_hub
from koji_adjutant.daemon.tasks import running
from koji_adjutant.daemon.tasks.processes import Child, fork
from koji_adjutant.daemon.tasks.task_process import TaskProcess
from tests.waiting import for_ever, lasts

SECONDS = 3.5


@dataclass(frozen=True, kw_only=True)
class Unkillable(Child):
    """The kernel does not end it."""

    kills: list[float]

    def kill(self) -> None:
        self.kills.append(time.monotonic())


@pytest.fixture
def process(daemon: Daemon) -> Iterator[Unkillable]:
    child = fork("task 7", for_ever, at_start=lambda: None)
    made = Unkillable(name=child.name, pid=child.pid, pidfd=child.pidfd, kills=[])
    process = TaskProcess(task=7, child=made, session_id=None, kill_at=time.monotonic())
    daemon.processes[7] = process
    yield made
    daemon.processes.clear()
    child.kill()
    child.reap()


@pytest.mark.timing
def test_the_hub_is_polled_no_more_often(
    daemon: Daemon, process: Unkillable, monkeypatch: pytest.MonkeyPatch
) -> None:
    polls: list[float] = []

    def poll(*args: Any, **options: Any) -> Any:
        polls.append(time.monotonic())
        return real(*args, **options)

    real = poll_hub
    monkeypatch.setattr(manager, "poll", poll)
    daemon.tasks[7] = {"id": 7, "waiting": False, "weight": 1.0}
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        daemon.one_pass(with_buildroots=False)
        daemon.wait()
    # Ends of helpers make a few more.
    assert len(polls) <= 3 * SECONDS
    assert process.kills


def test_it_is_killed_again_once_a_second(daemon: Daemon, process: Unkillable) -> None:
    def collected() -> bool:
        daemon.collect()
        return 7 in daemon.processes

    lasts(collected, "the process", seconds=2.5)
    assert len(process.kills) > 1
    assert all(after - before >= 1.0 for before, after in pairwise(process.kills))


def test_its_containers_are_killed_with_it(
    daemon: Daemon, process: Unkillable, monkeypatch: pytest.MonkeyPatch
) -> None:
    walks: list[object] = []
    monkeypatch.setattr(running, "kill_processes", walks.append)
    daemon.state.begin(7, "build", "/nowhere")
    for _ in range(5):
        daemon.collect()
    assert len(walks) == len(process.kills) == 1
