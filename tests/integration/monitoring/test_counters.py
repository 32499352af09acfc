"""Counters over deaths of the real server: what Prometheus sees goes on where it was."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from koji_adjutant.journal.file import FileJournal
from koji_adjutant.journal.phases import Phase
from koji_adjutant.journal.state import JOURNAL
from tests.fakes.journals import write_sample
from tests.status_server import Server, argv_for, listening
from tests.unit.monitoring.metrics_text import value, values_of
from tests.waiting import PATIENCE

LIVES = 3


@contextmanager
def killed_server(state_dir: Path, own_dir: Path) -> Iterator[Server]:
    """A server that is killed without a word at the end of the context."""
    with tempfile.NamedTemporaryFile(prefix="status-server-", suffix=".log") as log:
        argv = argv_for(state_dir, own_dir, "--bind=127.0.0.1:0")
        process = subprocess.Popen(argv, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield listening(process, log)
        finally:
            process.kill()
            process.wait(PATIENCE)


def closed(server: Server) -> float:
    values = values_of(server.ask("/metrics").body.decode())
    return value(values, "tasks_total", method="buildArch", outcome="closed")


def test_a_server_that_is_killed_counts_nothing_twice(tmp_path: Path) -> None:
    state_dir, own_dir = tmp_path / "state", tmp_path / "own"
    write_sample(state_dir)
    journal = FileJournal(state_dir / JOURNAL)
    with killed_server(state_dir, own_dir) as server:
        truth = closed(server)
    for task in range(1000, 1000 + LIVES):
        journal.record(Phase.OPENED, task=task, method="buildArch")
        journal.rotate()
        journal.record(Phase.CLOSED, task=task)
        truth += 1
        with killed_server(state_dir, own_dir) as server:
            assert closed(server) == truth
            journal.record(Phase.OPENED, task=task + 100, method="buildArch")
            journal.record(Phase.CLOSED, task=task + 100)
            truth += 1
