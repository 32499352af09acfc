"""The journal on disk: who writes it, and what happens when it grows."""

import json
import multiprocessing
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from koji_adjutant.host.files import boot_id, since_boot
from koji_adjutant.journal.file import COMPLAIN_SECONDS, KEPT, FileJournal, file_names
from koji_adjutant.journal.phases import HostEvent, Phase
from koji_adjutant.journal.reader import Skipped, read, read_journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def test_an_event_is_a_line(path: Path) -> None:
    FileJournal(path).record(Phase.STARTED, task=7, container="abc", method="buildArch")
    line = json.loads(path.read_text())
    assert (line["v"], line["event"], line["task"], line["container"]) == (2, "started", 7, "abc")
    assert line["details"] == {"method": "buildArch"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_no_password_of_a_url_is_told(path: Path) -> None:
    url = "git+https://user:secret@example.org/x"
    FileJournal(path).record(
        Phase.CLOSED, task=7, results=[url], why=f"no {url}", more={url: "x" * 1990 + url}
    )
    assert "secret" not in path.read_text()
    (event,) = read_journal(path)
    assert event.details["results"] == ["git+https://user:***@example.org/x"]


def test_it_says_when_and_who(path: Path) -> None:
    FileJournal(path).record(HostEvent.READY)
    (event,) = read_journal(path)
    assert abs(event.time - datetime.now(UTC)) < timedelta(minutes=1)
    assert (event.boot_id, event.pid, event.task, event.container) == (boot_id(), os.getpid(), None, "")
    assert event.since_boot is not None
    assert 0 <= since_boot() - event.since_boot < 60


def test_an_unfinished_line_is_left_out(path: Path) -> None:
    FileJournal(path).record(Phase.OPENED, task=1)
    with path.open("a") as stream:
        stream.write('{"time": "2026')
    assert len(read_journal(path)) == 1


def test_a_torn_line_does_not_take_the_next_with_it(path: Path) -> None:
    journal = FileJournal(path)
    journal.record(Phase.OPENED, task=1)
    with path.open("a") as stream:
        stream.write('{"time": "2026')
    journal.record(Phase.CLOSED, task=1)
    reading = read(path)
    assert [event.name for event in reading.events] == ["opened", "closed"]
    assert reading.skipped == Skipped(torn=1)


@pytest.mark.parametrize("written", [1, 60])
def test_a_short_write_is_made_good(path: Path, monkeypatch: pytest.MonkeyPatch, written: int) -> None:
    write, lengths = os.write, [written]

    def short(handle: int, data: bytes) -> int:
        return write(handle, data[: lengths.pop()] if lengths else data)

    monkeypatch.setattr(os, "write", short)
    journal = FileJournal(path)
    journal.record(Phase.OPENED, task=1)
    journal.record(Phase.CLOSED, task=1)
    reading = read(path)
    assert [event.name for event in reading.events] == ["opened", "closed"]
    assert reading.skipped == Skipped(torn=1)


def write_many(journal: FileJournal, task: int) -> None:
    for number in range(200):
        journal.record(Phase.UPLOADED, task=task, number=number, filler="x" * 500)


def test_lines_of_several_processes_do_not_mix_and_none_is_lost_to_a_rotation(path: Path) -> None:
    journal = FileJournal(path, rotate_bytes=80_000)
    # Spawned ones would have a resource tracker, which goes on after the last test.
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=write_many, args=(journal, task)) for task in (1, 2)]
    for writer in writers:
        writer.start()
    write_many(journal, 0)
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    assert (path.parent / "journal.1").exists()
    assert not (path.parent / f"journal.{KEPT}").exists()
    reading = read(path)
    assert not reading.skipped
    for task in range(3):
        numbers = [event.details["number"] for event in reading.events if event.task == task]
        # A line that was begun before a rotation may come to the older file.
        assert sorted(numbers) == list(range(200))


def test_who_has_not_made_it_does_not_rotate_it(path: Path) -> None:
    journal = FileJournal(path, rotate_bytes=1)
    pid = os.fork()
    if pid == 0:
        for _ in range(3):
            journal.record(Phase.OPENED, task=1)
        os._exit(0)
    os.waitpid(pid, 0)
    assert len(path.read_text().splitlines()) == 3
    journal.record(Phase.OPENED, task=1)
    assert not path.exists()
    assert len((path.parent / "journal.1").read_text().splitlines()) == 4


def test_so_many_are_kept(path: Path) -> None:
    journal = FileJournal(path, rotate_bytes=1)
    for number in range(2 * (KEPT + 3)):
        journal.record(HostEvent.READY, number=number)
    kept = [name for name in file_names(path) if name.exists()]
    assert len(kept) == len(list(path.parent.iterdir())) == KEPT
    numbers = [event.details["number"] for event in read_journal(path)]
    assert numbers == list(range(2 * (KEPT + 3)))[-len(numbers) :]
    assert len(numbers) == 2 * KEPT


def test_what_the_version_before_put_aside_is_kept_and_goes_like_the_others(path: Path) -> None:
    old = path.with_name("journal.old")
    old.write_text('{"time": "2026-01-01T00:00:00.000Z", "task": 1, "phase": "opened", "container": ""}\n')
    journal = FileJournal(path, rotate_bytes=1)
    journal.record(Phase.CLOSED, task=1)
    assert [event.name for event in read_journal(path)] == ["opened", "closed"]
    journal.record(Phase.OPENED, task=2)
    assert not old.exists()
    assert [event.name for event in read_journal(path)] == ["opened", "closed", "opened"]


def test_a_rotation_that_was_broken_off_goes_on(path: Path) -> None:
    journal = FileJournal(path, rotate_bytes=1)
    for number in range(6):
        journal.record(HostEvent.READY, number=number)
    (path.parent / "journal.2").rename(path.parent / "journal.4")
    for number in range(6, 8):
        journal.record(HostEvent.READY, number=number)
    assert sorted(event.details["number"] for event in read_journal(path)) == list(range(8))


class Clock:
    """Time that passes when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_journal_that_cannot_be_written_is_said_now_and_then(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    path = tmp_path / "none" / "journal"
    journal = FileJournal(path, clock=clock)
    for _ in range(3):
        journal.record(Phase.OPENED, task=1)
    assert len(caplog.records) == 1
    clock.now += COMPLAIN_SECONDS
    journal.record(Phase.OPENED, task=1)
    assert [one.getMessage() for one in caplog.records] == [
        f"journal {path} cannot be written: [Errno 2] No such file or directory: '{path}'"
    ] * 2
    path.parent.mkdir()
    journal.record(Phase.CLOSED, task=1)
    journal.record(Phase.OPENED, task=2)
    closed, lost, opened = read_journal(path)
    assert (closed.name, opened.name) == ("closed", "opened")
    assert (lost.name, lost.details) == (HostEvent.EVENTS_LOST, {"events": 4})


def test_a_journal_that_cannot_be_rotated_goes_on(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "rename", fail)
    journal = FileJournal(path, rotate_bytes=1)
    for _ in range(4):
        journal.record(Phase.OPENED, task=1)
    assert len(read_journal(path)) == 4
    assert [one.getMessage() for one in caplog.records] == [
        f"journal {path} cannot be rotated: [Errno 1] Operation not permitted"
    ]
