"""Counters over restarts: of the server at any line, of the daemon, over rotations, and over what breaks."""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.journal.file import FileJournal
from koji_adjutant.journal.phases import GivenBack, HostEvent, Phase
from koji_adjutant.journal.public import (
    HOST,
    HostFacts,
    TaskFacts,
    public_directory,
    task_facts_file,
    write_facts,
)
from koji_adjutant.journal.state import this_process
from koji_adjutant.monitoring import families
from koji_adjutant.monitoring.counters import FILE, Counters
from tests.waiting import eventually

SERVER = Path(__file__).parent / "counting_server.py"


def serve_methods(state_dir: Path, *methods: str) -> None:
    write_facts(
        public_directory(state_dir) / HOST,
        HostFacts(
            writer=this_process(),
            time=1.0,
            started=1.0,
            version="1",
            name="host",
            hub="http://hub",
            worker="w",
            ready=True,
            methods=methods,
        ),
    )


@pytest.fixture
def own_dir(state_dir: Path) -> Path:
    """The server's directory; the daemon has said what it serves."""
    serve_methods(state_dir, "buildArch")
    (state_dir / "status").mkdir()
    return state_dir / "status"


def values(counters: Counters) -> dict[str, Any]:
    return counters.tally.to_json()


def counted(state_dir: Path, own_dir: Path) -> dict[str, Any]:
    """What a server of that directory has right after its start."""
    with closing(Counters(state_dir, own_dir)) as counters:
        counters.refresh()
        return values(counters)


def closed(found: dict[str, Any]) -> float:
    rows: list[tuple[list[str], list[float]]] = found.get("tasks_total", [])
    return sum(cells[0] for (_, outcome), cells in rows if outcome == "closed")


def lines(shown: Path) -> list[float]:
    return [float(line) for line in shown.read_text().split()] if shown.exists() else []


def has_counted(shown: Path, *, lines_before: int = 0, tasks: float | None = None) -> bool:
    found = lines(shown)
    return len(found) > lines_before and tasks in {None, found[-1]}


def build(journal: FileJournal, task: int) -> None:
    journal.record(Phase.OPENED, task=task, method="buildArch")
    journal.record(Phase.STARTED, task=task, method="buildArch")
    journal.record(Phase.BUILDROOT_READY, task=task, root="hit")
    journal.record(HostEvent.REQUESTS, hub={"multiCall": [3, 1, 0.25]}, uploaded_bytes=10)
    journal.record(Phase.CLOSED, task=task)


def test_a_server_goes_on_where_the_one_before_was(
    state_dir: Path, own_dir: Path, journal: FileJournal
) -> None:
    build(journal, 1)
    journal.record(Phase.OPENED, task=2, method="buildArch")
    assert closed(counted(state_dir, own_dir)) == 1
    journal.record(Phase.CLOSED, task=2)
    first = counted(state_dir, own_dir)
    assert closed(first) == 2
    assert counted(state_dir, own_dir) == first


def test_rotations_while_it_is_down_are_counted_once(
    state_dir: Path, own_dir: Path, journal: FileJournal
) -> None:
    for task in range(1, 4):
        build(journal, task)
        assert closed(counted(state_dir, own_dir)) == task
        journal.rotate()
    for task in range(4, 7):
        build(journal, task)
        journal.rotate()
    assert closed(counted(state_dir, own_dir)) == 6


def test_what_the_journal_has_thrown_away_stays_counted(
    state_dir: Path, own_dir: Path, journal: FileJournal
) -> None:
    build(journal, 1)
    assert closed(counted(state_dir, own_dir)) == 1
    (state_dir / "journal").unlink()
    build(journal, 2)
    assert closed(counted(state_dir, own_dir)) == 2


def test_nothing_counts_before_it_is_known_what_is_served(state_dir: Path, journal: FileJournal) -> None:
    own_dir = state_dir / "status"
    own_dir.mkdir()
    build(journal, 1)
    with closing(Counters(state_dir, own_dir)) as counters:
        counters.refresh()
        assert closed(values(counters)) == 0
        serve_methods(state_dir, "buildArch")
        counters.refresh()
        assert [labels for labels, _ in counters.tally.of(families.TASK_DURATION)] == [("buildArch",)]


def test_methods_that_were_served_once_stay_known(
    state_dir: Path, own_dir: Path, journal: FileJournal
) -> None:
    counted(state_dir, own_dir)
    build(journal, 1)
    counted(state_dir, own_dir)
    serve_methods(state_dir, "createrepo")
    build(journal, 2)
    assert {labels[0] for labels, _ in counted(state_dir, own_dir)["tasks_total"]} == {"buildArch"}


def test_a_task_says_itself_when_it_was_made(state_dir: Path, own_dir: Path, journal: FileJournal) -> None:
    write_facts(task_facts_file(state_dir, 1), TaskFacts(task=1, method="buildArch", created=1000.0))
    build(journal, 1)
    ((labels, cells),) = counted(state_dir, own_dir)["task_wait_seconds"]
    assert labels == ["buildArch"]
    assert cells[-1] > 1e9


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda _data: b"",
        lambda _data: b"[]",
        lambda _data: b"[" * 100_000,
        lambda _data: b"\xff\xfe",
        lambda data: data.replace(b'"version": 1', b'"version": 2'),
        lambda data: data.replace(b'"places": [[', b'"places": [["', 1),
        lambda data: data.replace(b'"upload_bytes_total": [[[], [', b'"upload_bytes_total": [[[], [-'),
    ],
    ids=["cut", "empty", "list", "deep", "bytes", "newer", "no JSON", "negative"],
)
def test_a_damaged_file_is_said_and_counting_begins_anew(
    state_dir: Path,
    own_dir: Path,
    journal: FileJournal,
    damage: Callable[[bytes], bytes],
    caplog: pytest.LogCaptureFixture,
) -> None:
    build(journal, 1)
    counted(state_dir, own_dir)
    (state_dir / "journal").unlink()
    build(journal, 2)
    assert closed(counted(state_dir, own_dir)) == 2
    assert not caplog.text
    file = own_dir / FILE
    file.write_bytes(damage(file.read_bytes()))
    assert closed(counted(state_dir, own_dir)) == 1
    assert f"{file} cannot be used" in caplog.text
    assert "begin anew with what the journal still has" in caplog.text
    caplog.clear()
    assert closed(counted(state_dir, own_dir)) == 1
    assert not caplog.text


def test_a_long_journal_is_counted_in_pieces(state_dir: Path, own_dir: Path, journal: FileJournal) -> None:
    for task in range(1, 6):
        build(journal, task)
    with closing(Counters(state_dir, own_dir, save_seconds=0)) as counters:
        assert not counters.refresh(most=7)
        with closing(Counters(state_dir, own_dir)) as second:
            # It died in the middle.
            assert second.refresh()
            assert closed(values(second)) == 5
        while not counters.refresh(most=7):
            pass
        assert closed(values(counters)) == 5


def test_a_directory_that_cannot_be_written_costs_one_warning(
    state_dir: Path, own_dir: Path, journal: FileJournal, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(Counters(state_dir, own_dir / "gone", save_seconds=0)) as counters:
        for task in range(1, 4):
            build(journal, task)
            counters.refresh()
        assert closed(values(counters)) == 3
    assert caplog.text.count("counters are not kept") == 1


def test_a_journal_that_cannot_be_read_costs_one_warning(
    state_dir: Path, own_dir: Path, journal: FileJournal, caplog: pytest.LogCaptureFixture
) -> None:
    build(journal, 1)
    with closing(Counters(state_dir, own_dir)) as counters:
        counters.refresh()
        file = state_dir / "journal"
        file.rename(state_dir / "kept")
        file.symlink_to(file)
        for _ in range(3):
            counters.refresh()
        assert closed(values(counters)) == 1
        file.unlink()
        (state_dir / "kept").rename(file)
        build(journal, 2)
        counters.refresh()
        assert closed(values(counters)) == 2
    assert caplog.text.count("the journal cannot be read") == 1


def test_killed_at_any_point_it_counts_the_truth(state_dir: Path, own_dir: Path) -> None:
    """SIGKILL, over and over, while a daemon writes and rotates; what is shown never goes back."""
    draw = random.Random(20261129)
    journal = FileJournal(state_dir / "journal")
    shown = own_dir / "shown"
    written = 0
    argv = [sys.executable, str(SERVER), str(state_dir), str(own_dir), str(shown)]
    for life in range(6):
        before = len(lines(shown))
        with subprocess.Popen(argv) as server:
            try:
                eventually(partial(has_counted, shown, lines_before=before), "it counts")
                for _ in range(draw.randrange(3, 40)):
                    written += 1
                    build(journal, written)
                    if draw.random() < 0.05:
                        journal.rotate()
                if life % 2:
                    eventually(partial(has_counted, shown, tasks=written), "it has caught up")
            finally:
                os.kill(server.pid, signal.SIGKILL)
    assert lines(shown) == sorted(lines(shown))
    found = counted(state_dir, own_dir)
    assert closed(found) == written
    assert found["upload_bytes_total"] == [[[], [10.0 * written]]]
    assert found["hub_request_duration_seconds"] == [[[], [3.0 * written, 0.25 * written]]]
    assert [["hit"], [written]] in found["buildroot_requests_total"]
    assert json.loads((own_dir / FILE).read_text())["version"] == 1
    assert GivenBack.LOST not in {labels[0] for labels, cells in found["given_back_total"] if cells[0]}
