"""The containers of a task: what goes when, and what is left when things go wrong."""

import threading
from collections.abc import Iterator

import pytest

from koji_adjutant.buildroot.task_containers import TaskContainers
from koji_adjutant.container.interface import ContainerSpec
from koji_adjutant.errors import EngineError
from tests.fakes.containers import FakeContainerManager

SPEC = ContainerSpec(image="localhost/x", command=("sleep", "1"), labels={})


@pytest.fixture
def manager() -> Iterator[FakeContainerManager]:
    made = FakeContainerManager()
    made.add_image("localhost/x")
    yield made
    assert made.find({}) == ()


def test_what_is_held_goes_with_the_context(manager: FakeContainerManager) -> None:
    with TaskContainers() as containers:
        made = [containers.create(manager, SPEC), containers.create(manager, SPEC)]
        assert manager.removed == []
    assert sorted(manager.removed) == sorted(made)


def test_what_is_released_goes_beside_the_work(
    manager: FakeContainerManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go, remove = threading.Event(), manager.remove

    def slowly(container: str) -> None:
        assert may_go.wait(10)
        remove(container)

    monkeypatch.setattr(manager, "remove", slowly)
    with TaskContainers() as containers:
        with containers.work():
            containers.create(manager, SPEC)
        assert manager.removed == []
        may_go.set()
    assert len(manager.removed) == 1


def test_work_that_fails_leaves_nothing_for_later(manager: FakeContainerManager) -> None:
    with TaskContainers() as containers:
        with pytest.raises(KeyboardInterrupt), containers.work():
            containers.create(manager, SPEC)
            raise KeyboardInterrupt
        assert len(manager.removed) == 1


def test_a_removal_that_fails_when_the_work_is_done_is_left_to_the_sweep(
    manager: FakeContainerManager, caplog: pytest.LogCaptureFixture
) -> None:
    with TaskContainers() as containers:
        container = containers.create(manager, SPEC)
        manager.fail_next("remove", EngineError("not now"))
        containers.release(container)
    manager.remove(container)
    assert "not now" in caplog.text


def test_a_removal_that_fails_hides_no_other_error(manager: FakeContainerManager) -> None:
    with pytest.raises(ValueError, match="first") as raised, TaskContainers() as containers:
        container = containers.create(manager, SPEC)
        manager.fail_next("remove", EngineError("second"))
        raise ValueError("first")
    manager.remove(container)
    assert raised.value.__notes__ == ["and then: second"]


def test_a_call_in_another_thread_gives_its_result_and_its_error(manager: FakeContainerManager) -> None:
    def fail() -> None:
        raise EngineError("beside")

    with TaskContainers() as containers:
        assert containers.submit(lambda: 6 * 7).result() == 42
        with pytest.raises(EngineError, match="beside"):
            containers.submit(fail).result()


def test_a_task_that_is_taken_away_kills_before_it_waits(manager: FakeContainerManager) -> None:
    killed = threading.Event()
    with pytest.raises(SystemExit), TaskContainers(kill=killed.set) as containers, containers.work():
        containers.create(manager, SPEC)
        ended = containers.submit_before_removal(lambda: killed.wait(10))
        raise SystemExit
    assert ended.result()


def test_what_begins_after_the_first_kill_is_killed_too(manager: FakeContainerManager) -> None:
    kills, ended = threading.Semaphore(0), threading.Event()

    def begin_late() -> None:
        assert kills.acquire(timeout=10)
        assert kills.acquire(timeout=10)
        ended.set()

    with pytest.raises(SystemExit), TaskContainers(kill=kills.release) as containers, containers.work():
        containers.create(manager, SPEC)
        containers.submit_before_removal(begin_late)
        raise SystemExit
    assert ended.is_set()


def test_an_engine_that_cannot_kill_does_not_stop_the_rest(manager: FakeContainerManager) -> None:
    def kill() -> None:
        raise EngineError("busy")

    with pytest.raises(SystemExit), TaskContainers(kill=kill) as containers, containers.work():
        made = containers.create(manager, SPEC)
        raise SystemExit
    assert manager.removed == [made]
