"""Tasks from their events: as the journal has them, whoever wrote it and whatever happened in between."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from koji_adjutant.journal.file import Event
from koji_adjutant.journal.reader import read
from koji_adjutant.journal.state import JOURNAL
from koji_adjutant.monitoring.clock import Clock
from koji_adjutant.monitoring.task_view import task_view
from koji_adjutant.monitoring.tasks import TaskHistory, TaskRecord
from koji_adjutant.monitoring.views import Outcome, TaskView
from tests.upgrade.conftest import left_state

__all__ = ["left_state"]

NOW = 1_800_000_000.0
BOOTED = NOW - 50_000.0
BOOT, EARLIER_BOOT = "boot-2", "boot-1"


def event(at: float, name: str, task: int | None = 5, *, boot: str = BOOT, **details: Any) -> Event:
    """One of `at` seconds before now; the clock has always gone right."""
    return Event(
        time=datetime.fromtimestamp(NOW - at, UTC),
        name=name,
        task=task,
        details=MappingProxyType(details),
        boot_id=boot,
        since_boot=NOW - at - BOOTED,
        pid=100,
    )


def clock(*, offset: float = 0.0) -> Clock:
    return Clock(now=lambda: NOW + offset, since=lambda: NOW - BOOTED, boot=BOOT)


def history(events: Iterable[Event], *, offset: float = 0.0, most: int = 100) -> TaskHistory:
    own = clock(offset=offset)
    found = TaskHistory(own, most=most)
    for one in events:
        found.take(one, own.moment(one))
    return found


def view(found: TaskHistory, task: int = 5, *, offset: float = 0.0) -> TaskView:
    record = found.find(task)
    assert isinstance(record, TaskRecord)
    return task_view(record, None, (), clock(offset=offset))


def test_phases_follow_each_other() -> None:
    found = history(
        [
            event(100, "opened", method="buildArch", label="hello", parent=4),
            event(99, "started", method="buildArch"),
            event(98, "buildroot-record", buildroot=3),
            event(97, "solved"),
            event(90, "rpmbuild-started", command="rpmbuild-bb"),
            event(80, "rpmbuild-started", command="rpmbuild-bb"),
            event(70, "uploaded", files=1),
            event(60, "closed"),
        ]
    )
    task = view(found)
    spans = [(phase.name, NOW - phase.began, phase.ended and NOW - phase.ended) for phase in task.phases]
    assert spans == [
        ("starting", 100, 98),
        ("repo", 98, 97),
        ("populating", 97, 90),
        ("building", 90, 70),
        ("closing", 70, 60),
    ]
    assert (task.label, task.parent, task.buildroot, task.outcome) == ("hello", 4, 3, Outcome.CLOSED)


def test_spans_are_as_long_as_they_were_when_the_clock_was_set_meanwhile() -> None:
    wrong = event(100, "opened", method="buildArch")
    wrong = Event(
        time=datetime.fromtimestamp(NOW - 90_000, UTC),
        name=wrong.name,
        task=wrong.task,
        details=wrong.details,
        boot_id=BOOT,
        since_boot=wrong.since_boot,
        pid=1,
    )
    task = view(history([wrong, event(40, "closed")]))
    assert task.opened is not None
    assert task.ended is not None
    assert task.ended - task.opened == pytest.approx(60)
    assert task.opened == pytest.approx(NOW - 100)


@pytest.mark.parametrize(
    ("events", "root"),
    [
        ([("image-ready", {"key": "a", "image": "i"})], "hit"),
        ([("image-ready", {"key": "a"}), ("image-ready", {"key": "b"})], "deps_hit"),
        ([("image-ready", {"key": "a"}), ("populated", {})], "populated"),
        ([("solved", {}), ("populated", {})], "populated"),
        ([("image-ready", {"image": "task-image"})], ""),
        ([("populated", {}), ("buildroot-ready", {"root": "hit"})], "hit"),
    ],
)
def test_how_a_root_came_to_be(events: list[tuple[str, dict[str, Any]]], root: str) -> None:
    task = view(history([event(10, "opened"), *(event(9, name, **details) for name, details in events)]))
    assert task.root == root


def test_use_of_containers_is_added_up_or_the_largest() -> None:
    found = history(
        [
            event(10, "opened"),
            event(9, "usage", memory_bytes=5, cpu_seconds=1.5, pids=3),
            event(8, "usage", memory_bytes=9, cpu_seconds=2.5, pids=2),
            event(8, "usage", phase="build", memory_bytes=99, cpu_seconds=99),
            event(7, "usage", memory_bytes="many", cpu_seconds=True, disk_bytes=None),
        ]
    )
    assert dict(view(found).peak) == {"memory_bytes": 9, "cpu_seconds": 4.0, "pids": 3}


def test_a_failure_says_what_its_log_said() -> None:
    lines = [f"line {number}" for number in range(30)]
    task = view(
        history(
            [event(9, "opened"), event(8, "failed", error="E", first_error_line="error: x", last_lines=lines)]
        )
    )
    assert (task.outcome, task.error, task.first_error_line) == (Outcome.FAILED, "E", "error: x")
    assert task.last_lines == tuple(lines[-20:])


# Restarts


def test_a_task_that_no_daemon_adopts_is_lost() -> None:
    found = history(
        [
            event(100, "opened", 5),
            event(100, "opened", 6),
            event(50, "daemon-started", None),
            event(49, "adopted", 6),
            event(49, "image-made", None),
        ]
    )
    assert view(found, 5).outcome is Outcome.RUNNING
    own = clock()
    ready = event(48, "ready", None)
    found.take(ready, own.moment(ready))
    assert view(found, 5).outcome is Outcome.LOST
    assert view(found, 5).ended == pytest.approx(NOW - 100)
    assert (view(found, 6).outcome, view(found, 6).adopted) == (Outcome.RUNNING, 1)


def test_what_a_later_word_says_of_a_lost_task_counts() -> None:
    lost = [event(100, "opened"), event(50, "daemon-started", None), event(49, "not-ready", None)]
    assert view(history([*lost, event(40, "freed", why="no process")])).outcome is Outcome.FREED
    assert view(history([*lost, event(40, "adopted")])).outcome is Outcome.RUNNING


def test_a_task_of_an_earlier_boot_is_lost_before_any_daemon_says_so() -> None:
    found = history(
        [event(100, "opened", boot=EARLIER_BOOT), event(100, "opened", 6), event(100, "opened", 7, boot="")]
    )
    found.end_earlier_boots()
    outcomes = {record.id: record.outcome for record in found}
    assert outcomes == {5: Outcome.LOST, 6: Outcome.RUNNING, 7: Outcome.RUNNING}


def test_a_task_that_comes_back_begins_anew() -> None:
    found = history(
        [
            event(100, "opened", method="buildArch"),
            event(90, "freed", why="the hub was away"),
            event(50, "opened", method="buildArch"),
        ]
    )
    task = view(found)
    assert (task.outcome, task.error, task.opened) == (Outcome.RUNNING, "", NOW - 50)


def test_the_first_end_counts() -> None:
    found = history([event(9, "opened"), event(8, "failed", error="E"), event(7, "canceled", why="W")])
    assert (view(found).outcome, view(found).error) == (Outcome.FAILED, "E")


def test_events_that_name_a_task_which_did_not_run_here_make_none() -> None:
    found = history([event(9, "swept", 7), event(9, "task-not-taken", 8), event(9, "requests", 9)])
    assert not list(found)


# Bounds


def test_the_oldest_that_have_ended_make_room() -> None:
    events = [event(100, "opened", 1)]
    for task in range(2, 7):
        events += [event(90, "opened", task), event(80, "closed", task)]
    assert [record.id for record in history(events, most=3)] == [6, 5, 1]


def test_those_that_ended_long_ago_are_forgotten() -> None:
    found = history([event(100, "opened", 1), event(90, "closed", 1), event(100, "opened", 2)])
    found.forget(older_than=NOW - 80)
    assert [record.id for record in found] == [2]


def test_an_endless_task_stays_small() -> None:
    many = [event(9, name) for _ in range(500) for name in ("solved", "populated")]
    assert len(view(history([event(10, "opened"), *many])).phases) <= 30


def test_details_of_any_kind_do_no_harm() -> None:
    odd: list[Any] = [None, [], {}, "x", 1.5, True, -1, [None], {"a": []}]
    names = ["opened", "started", "image-ready", "buildroot-ready", "buildroot-record", "populated", "usage"]
    keys = ["method", "label", "parent", "key", "image", "digest", "seconds", "limits", "packages", "command"]
    events = [event(9, name, **dict.fromkeys(keys, value)) for value in odd for name in names]
    events += [event(8, "failed", error=value, last_lines=value, first_error_line=value) for value in odd]
    assert view(history(events)).outcome is Outcome.FAILED


# Before versions


def test_a_journal_of_the_released_version_is_understood(left_state: Path) -> None:
    own = Clock()
    found = TaskHistory(own)
    for one in read(left_state / JOURNAL).events:
        found.take(one, own.moment(one))
    outcomes = {record.outcome for record in found}
    assert outcomes == {Outcome.CLOSED, Outcome.FAILED, Outcome.RUNNING}
    roots = {view(found, record.id).root for record in found}
    assert roots >= {"hit", "populated"}
    running = [record.id for record in found if record.outcome is Outcome.RUNNING]
    assert 27 in running
    assert view(found, 27).phase == "building"
    for record in found:
        shown = view(found, record.id)
        assert all(phase.ended is None or phase.ended >= phase.began for phase in shown.phases)


def test_what_came_of_a_task() -> None:
    names = ["hello-1-1.src.rpm", "hello-1-1.x86_64.rpm\nx", *map(str, range(100))]
    found = view(history([event(9, "opened", method="buildArch"), event(5, "closed", results=names)]))
    assert found.results[:2] == ("hello-1-1.src.rpm", "hello-1-1.x86_64.rpm x")
    assert len(found.results) == 50
    assert (
        view(history([event(9, "opened", method="build"), event(5, "closed", results="none")])).results == ()
    )
