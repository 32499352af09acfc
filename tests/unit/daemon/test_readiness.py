"""Whether a task can be taken."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.config import Config
from koji_adjutant.daemon import Daemon
from koji_adjutant.daemon.engine.watch import Answer
from koji_adjutant.daemon.readiness import Readiness, Situation, reason_not_ready, storage_to_measure
from koji_adjutant.errors import Problem
from koji_adjutant.journal.file import FileJournal
from koji_adjutant.journal.phases import NullJournal
from koji_adjutant.journal.reader import read_journal
from koji_adjutant.journal.state import NotReady, Obstacle, read_readiness

GOOD: dict[str, Any] = {
    "host": {"enabled": True, "capacity": 2.0},
    "task_load": 1.0,
    "tasks": 1,
    "is_restarting": False,
    "storage": Path("/"),
}


def config(**options: Any) -> Config:
    chosen = {"minspace": 1, "max_load_per_cpu": 1000.0, **options}
    return Config(server="http://h", topurls=("http://h",), **chosen)


def test_ready() -> None:
    assert reason_not_ready(Situation(**GOOD), config()) is None


@pytest.mark.parametrize(
    ("change", "obstacle", "reason"),
    [
        ({"is_restarting": True}, Obstacle.RESTART, "Pending restart"),
        ({"host": {"enabled": False, "capacity": 2.0}}, Obstacle.DISABLED, "Host is disabled"),
        ({"task_load": 2.5}, Obstacle.CAPACITY, "Over capacity: task load 2.50 > 2.00"),
        ({"tasks": 10}, Obstacle.MAXJOBS, "Full queue: 10 tasks, maxjobs 10"),
        (
            {"storage": Path("/nonexistent")},
            Obstacle.SPACE,
            "Free space at /nonexistent is unknown: No such file or directory",
        ),
        ({"engine_problem": Problem("The engine is away")}, Obstacle.ENGINE, "The engine is away"),
        ({"sweep_problem": Problem("Not swept")}, Obstacle.LEFTOVERS, "Not swept"),
        ({"disk_problem": Problem("Full")}, Obstacle.DISKS, "Full"),
    ],
)
def test_not_ready(change: dict[str, Any], obstacle: Obstacle, reason: str) -> None:
    found = reason_not_ready(Situation(**{**GOOD, **change}), config())
    assert found == NotReady(obstacle=obstacle, reason=reason)


def test_a_load_that_equals_the_capacity_is_none_too_much() -> None:
    assert reason_not_ready(Situation(**{**GOOD, "task_load": 2.0}), config()) is None


def test_too_little_space() -> None:
    found = reason_not_ready(Situation(**GOOD), config(minspace=1 << 40))
    assert found is not None
    assert found.reason.startswith("Insufficient disk space at /: ")


def test_a_busy_machine(mocker: Any) -> None:
    mocker.patch("os.getloadavg", return_value=(9.0, 0.0, 0.0))
    mocker.patch("os.sysconf", return_value=2)
    found = reason_not_ready(Situation(**GOOD), config(max_load_per_cpu=4.0))
    assert found == NotReady(obstacle=Obstacle.LOAD, reason="Load average 9.00 > 8.00")
    mocker.patch("os.sysconf", return_value=3)
    assert reason_not_ready(Situation(**GOOD), config(max_load_per_cpu=4.0)) is None


def test_where_space_is_measured(tmp_path: Path) -> None:
    options = config(workdir="/work")
    assert storage_to_measure(tmp_path, options) == tmp_path
    assert storage_to_measure(tmp_path / "on another machine", options) == Path("/work")
    assert storage_to_measure(None, options) == Path("/work")


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records]


def full(tasks: int) -> NotReady:
    return NotReady(obstacle=Obstacle.MAXJOBS, reason=f"Full queue: {tasks} tasks, maxjobs 6")


DISABLED = NotReady(obstacle=Obstacle.DISABLED, reason="Host is disabled")


def test_what_changes_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    readiness = Readiness(tmp_path, FileJournal(tmp_path / "journal"))
    for not_ready in (full(6), full(7), DISABLED, None, None):
        readiness.say(not_ready)
    assert said(caplog) == [
        "Not ready for task: Full queue: 6 tasks, maxjobs 6",
        "Not ready for task: Host is disabled",
        "Ready for task",
    ]
    assert [(event.name, event.details.get("obstacle")) for event in read_journal(tmp_path / "journal")] == [
        ("not-ready", "maxjobs"),
        ("not-ready", "disabled"),
        ("ready", None),
    ]


def test_a_host_that_is_ready_from_the_start_says_so_to_the_journal(tmp_path: Path) -> None:
    Readiness(tmp_path, FileJournal(tmp_path / "journal")).say(None)
    assert [event.name for event in read_journal(tmp_path / "journal")] == ["ready"]


def test_others_can_know_it(tmp_path: Path) -> None:
    readiness = Readiness(tmp_path, NullJournal())
    for not_ready in (DISABLED, None):
        readiness.say(not_ready)
        found = read_readiness(tmp_path)
        assert found is not None
        assert found.not_ready == not_ready


def test_a_task_in_each_moment_that_one_ends_is_no_change(
    daemon: Daemon, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A builder with much to do: in each pass one task has ended, and another is taken."""
    caplog.set_level("INFO")
    monkeypatch.setattr(daemon.wakeup, "wait", lambda *_: None)
    monkeypatch.setattr(daemon.housekeeping, "problem", lambda: None)
    monkeypatch.setattr(daemon.engine, "answer", lambda: Answer(problem=None))
    daemon.options = replace(daemon.options, maxjobs=1)
    for number in range(5):
        daemon.tasks = {}
        assert daemon.readyForTask()
        daemon.tasks = {number: {"id": number, "waiting": False, "weight": 1.0}}
        assert not daemon.readyForTask()
        daemon.wait()
    assert said(caplog) == ["Not ready for task: Full queue: 1 tasks, maxjobs 1"]
