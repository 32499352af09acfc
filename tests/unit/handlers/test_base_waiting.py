"""Waiting for subtasks: no wake-up is lost, and what the hub is asked is what Koji's own handlers ask."""

import signal
from collections.abc import Iterator
from typing import Any

import koji
import pytest

from koji_adjutant.handlers.base import Services, TaskHandler
from koji_adjutant.journal.phases import NullJournal
from tests.fakes.containers import FakeContainerManager
from tests.hubs import Hub

FAILED = koji.BuildError("the second failed")


class FakeHost:
    """The hub's side: each taskWait tells the next of `steps`."""

    def __init__(self, steps: list[tuple[list[int], list[int]]]) -> None:
        self.steps = steps
        self.wakes = True
        self.calls: list[tuple[Any, ...]] = []

    def taskSetWait(self, task: int, subtasks: Any) -> None:  # noqa: N802
        self.calls.append(("taskSetWait", task, subtasks))

    def taskWait(self, task: int) -> tuple[list[int], list[int]]:  # noqa: N802
        self.calls.append(("taskWait", task))
        # What happens while the question is answered must not be lost.
        if self.wakes:
            signal.raise_signal(signal.SIGUSR2)
        return self.steps.pop(0)

    def taskWaitResults(self, task: int, tasks: Any, canfail: Any) -> list[Any]:  # noqa: N802
        self.calls.append(("taskWaitResults", task, tasks, canfail))
        return [[one, f"result of {one}"] for one in tasks]


class FakeSession:
    """A session with results."""

    def __init__(self, steps: list[tuple[list[int], list[int]]]) -> None:
        self.host = FakeHost(steps)
        self.canceled: list[int] = []

    def getTaskResult(self, task: int) -> Any:  # noqa: N802
        if task == 2:
            raise FAILED
        return f"result of {task}"

    def cancelTaskChildren(self, task: int) -> None:  # noqa: N802
        self.canceled.append(task)


class Parent(TaskHandler):
    """A task that waits."""

    Methods = ["parent"]  # noqa: RUF012


@pytest.fixture(autouse=True)
def _as_in_a_task_process() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
    yield
    while signal.sigtimedwait({signal.SIGUSR2}, 0):
        pass
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def parent(hub: Hub, steps: list[tuple[list[int], list[int]]]) -> tuple[Parent, FakeSession, list[str]]:
    session: Any = FakeSession(steps)
    pokes: list[str] = []
    made = Parent(1, "parent", [], session, hub.config())  # type: ignore[arg-type]
    made.services = Services(
        config=hub.config(),
        manager=FakeContainerManager(),
        journal=NullJournal(),
        worker="w",
        poke_for_subtasks=lambda: pokes.append("subtasks"),
    )
    return made, session, pokes


def test_the_first_that_ends(hub: Hub) -> None:
    task, session, pokes = parent(hub, [([], [2, 3]), ([3], [2])])
    assert task.wait([2, 3]) == {3: "result of 3"}
    assert session.host.calls == [
        ("taskSetWait", 1, [2, 3]),
        ("taskWait", 1),
        ("taskWait", 1),
        ("taskWaitResults", 1, [3], None),
    ]
    assert pokes == ["subtasks"]


def test_all_of_them(hub: Hub) -> None:
    task, session, _ = parent(hub, [([], [3, 4]), ([3], [4]), ([3, 4], [])])
    assert task.wait([3, 4], all=True) == {3: "result of 3", 4: "result of 4"}
    assert session.host.calls[-1] == ("taskWaitResults", 1, [3, 4], None)


def test_one_subtask_by_its_number(hub: Hub) -> None:
    task, session, _ = parent(hub, [([3], [])])
    assert task.wait(3) == {3: "result of 3"}
    assert session.host.calls[0] == ("taskSetWait", 1, [3])


def test_a_failure_ends_the_others(hub: Hub) -> None:
    task, session, _ = parent(hub, [([2], [3])])
    with pytest.raises(koji.BuildError, match="the second failed"):
        task.wait([2, 3], all=True, failany=True)
    assert session.canceled == [1]


def test_some_may_fail(hub: Hub) -> None:
    task, session, _ = parent(hub, [([2], [3]), ([2, 3], [])])
    task.wait([2, 3], all=True, failany=True, canfail=[2])
    assert session.canceled == []
    assert session.host.calls[-1] == ("taskWaitResults", 1, [2, 3], [2])


def test_there_is_a_limit(hub: Hub) -> None:
    task, session, _ = parent(hub, [([], [3])] * 2)
    session.host.wakes = False
    with pytest.raises(koji.GenericError, match="did not end in time"):
        task.wait([3], timeout=0.05)
    assert session.canceled == [1]


def test_other_signals_end_the_wait(hub: Hub) -> None:
    task, session, _ = parent(hub, [([], [3])])
    session.host.wakes = False

    def stop(*_: object) -> None:
        raise SystemExit

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        with pytest.raises(SystemExit):
            task.wait([3])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
