"""The journal on disk."""

import json
import multiprocessing
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from koji_adjutant.journal import Phase
from koji_adjutant.monitoring.journal import FileJournal, read_journal


def test_an_event_is_a_line(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    FileJournal(path).record(Phase.STARTED, task=7, container="abc", method="buildArch")
    line = json.loads(path.read_text())
    assert line.pop("time").endswith("Z")
    assert line == {"task": 7, "phase": "started", "container": "abc", "method": "buildArch"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path / "journal")
    journal.record(Phase.OPENED, task=1, method="build")
    journal.record(Phase.SWEPT, container="c1")
    first, second = read_journal(tmp_path / "journal")
    assert (first.task, first.phase, first.details) == (1, "opened", {"method": "build"})
    assert abs(first.time - datetime.now(UTC)) < timedelta(minutes=1)
    assert (second.task, second.container) == (None, "c1")


def test_an_unfinished_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    FileJournal(path).record(Phase.OPENED, task=1)
    with path.open("a") as stream:
        stream.write('{"time": "2026')
    assert len(read_journal(path)) == 1


def test_no_journal_has_no_events(tmp_path: Path) -> None:
    assert read_journal(tmp_path / "none") == []


def write_many(path: Path, task: int) -> None:
    journal = FileJournal(path)
    for number in range(200):
        journal.record(Phase.UPLOADED, task=task, number=number, filler="x" * 500)


def test_lines_of_several_processes_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    # Spawned ones would have a resource tracker, which goes on after the last test.
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=write_many, args=(path, task)) for task in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    events = read_journal(path)
    for task in range(3):
        assert [event.details["number"] for event in events if event.task == task] == list(range(200))


def test_a_journal_that_cannot_be_written_harms_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal = FileJournal(tmp_path / "none" / "journal")
    journal.record(Phase.OPENED, task=1)
    journal.record(Phase.CLOSED, task=1)
    assert len([one for one in caplog.records if "cannot be written" in one.message]) == 1


def test_a_long_journal_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = FileJournal(path)
    journal.record(Phase.OPENED, task=1)
    journal.rotate(keep=1 << 20)
    assert path.exists()
    journal.rotate(keep=10)
    assert not path.exists()
    assert len(read_journal(tmp_path / "journal.old")) == 1
