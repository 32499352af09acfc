"""The journal as a person reads it, and createrepo's commands without the task."""

from datetime import UTC, datetime, timedelta

from koji_adjutant.journal.file import Event
from koji_adjutant.journal.phases import Phase
from koji_adjutant.testbed.demo.timeline import timeline
from koji_adjutant.testbed.tasks import Task

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def event(seconds: float, phase: Phase, task: int | None) -> Event:
    return Event(time=BEGAN + timedelta(seconds=seconds), name=phase.value, task=task)


def task(number: int, method: str) -> Task:
    return Task(id=number, method=method, state="CLOSED", arch="x86_64", created=0.5, started=1.0, ended=3.5)


def test_each_phase_once_when_it_was_first_reached() -> None:
    events = [
        event(2.5, Phase.CLOSED, 7),
        event(1.0, Phase.OPENED, 7),
        event(1.5, Phase.FIRST_LOG_UPLOADED, 7),
        event(1.7, Phase.FIRST_LOG_UPLOADED, 7),
        event(1.2, Phase.CONTAINER_CREATED, 7),
        event(0.0, Phase.OPENED, 6),
        event(0.1, Phase.IMAGE_MADE, None),
    ]
    assert [line.split(maxsplit=4) for line in timeline(events, [task(7, "buildArch")])] == [
        ["0.00", "s", "buildArch", "7", "task opened"],
        ["0.50", "s", "buildArch", "7", "first log line at the hub"],
        ["1.50", "s", "buildArch", "7", "closed"],
    ]


def test_no_events_no_lines() -> None:
    assert list(timeline([], [task(7, "buildArch")])) == []
