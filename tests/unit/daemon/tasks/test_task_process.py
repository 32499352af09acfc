"""A task process as the main process knows it: when it is killed, and what its containers are reported as."""

from typing import Any, cast

from koji_adjutant.container.labels import ROLE
from koji_adjutant.daemon.tasks.task_process import KILL_INTERVAL, STOP_GRACE, ContainerEvents, TaskProcess
from koji_adjutant.guards.usage import TaskUsage
from koji_adjutant.journal.phases import HostEvent, Phase

NOW = 1000.0


def process(**known: Any) -> TaskProcess:
    return TaskProcess(task=7, child=cast("Any", None), session_id=3, **known)


def test_one_that_is_told_to_end_has_a_moment() -> None:
    told = process().due_to_stop(NOW, "canceled")
    assert not process().is_to_be_killed(NOW + 1e6), "nobody has told it"
    assert told.deadline == NOW + STOP_GRACE
    assert not told.is_to_be_killed(NOW + STOP_GRACE / 2)
    assert told.is_to_be_killed(NOW + STOP_GRACE)


def test_told_again_it_gets_no_longer() -> None:
    told = process().due_to_stop(NOW, "canceled").due_to_stop(NOW + 0.5, "stop")
    assert (told.kill_at, told.stopped_for) == (NOW + STOP_GRACE, "canceled")


def test_one_that_lives_on_is_killed_now_and_then_and_wakes_nobody() -> None:
    killed = process(kill_at=NOW, killed_at=NOW)
    assert killed.deadline is None
    assert not killed.is_to_be_killed(NOW + KILL_INTERVAL / 2)
    assert killed.is_to_be_killed(NOW + KILL_INTERVAL)


def test_another_session_changes_nothing_else() -> None:
    before = process(began=5.0)
    assert before.with_session(4) == process(began=5.0).with_session(4)
    assert (before.with_session(4).session_id, before.with_session(4).began) == (4, 5.0)


def test_its_containers_are_reported_with_what_they_are_for() -> None:
    seen: list[tuple[Phase | HostEvent, int | None, str, dict[str, object]]] = []

    class Journal:
        def record(
            self,
            event: Phase | HostEvent,
            /,
            *,
            task: int | None = None,
            container: str = "",
            **details: object,
        ) -> None:
            seen.append((event, task, container, details))

    events = ContainerEvents(Journal(), 7, TaskUsage())
    events.container_created("ab", {ROLE: "build"})
    events.container_created("cd", {})
    events.container_goes("ab")
    events.container_removed("ab")
    assert seen == [
        (Phase.CONTAINER_CREATED, 7, "ab", {"role": "build"}),
        (Phase.CONTAINER_CREATED, 7, "cd", {"role": ""}),
        (Phase.CONTAINER_REMOVED, 7, "ab", {}),
    ]
