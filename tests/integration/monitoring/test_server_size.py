"""What the status server costs on a host with a long past: memory, and the time until it answers."""

import json
import os
import time
from pathlib import Path

import pytest

from koji_adjutant.journal.file import KEPT, ROTATE_BYTES
from koji_adjutant.journal.phases import Phase
from koji_adjutant.journal.state import JOURNAL
from tests.fakes.journals import Story, write_sample
from tests.status_server import Server, running_server

TASKS = 2000
DAY = 86400
MOST_MEMORY = 60_000_000
MOST_DECODINGS = 3.0
"""Of the processor, beside what it takes to decode the journal's lines, which is as slow as the machine is."""


@pytest.fixture(scope="module")
def state_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine files of a journal, all full; the tasks of the last half day are in the youngest of them."""
    sample = write_sample(tmp_path_factory.mktemp("state"))
    journal = sample.state_dir / JOURNAL
    of_late = Story()
    for number in range(TASKS):
        ago = DAY / 2 * (1 - number / TASKS) + 600
        of_late.build_arch(10_000 + number, ago, seconds=20.0)
        of_late.ended(10_000 + number, ago - 25, Phase.CLOSED)
    past = Story()
    for number in range(100):
        past.build_arch(1000 + number, 20 * DAY - number, seconds=20.0)
    lines = past.lines()
    young = of_late.lines() + journal.read_bytes()
    files = [young[at : at + ROTATE_BYTES] for at in range(0, len(young), ROTATE_BYTES)]
    files = [*[lines * (ROTATE_BYTES // len(lines) + 1)] * (KEPT + 1 - len(files)), *whole_lines(files)]
    for number, content in enumerate(reversed(files)):
        name = f"{JOURNAL}.{number}" if number else JOURNAL
        journal.with_name(name).write_bytes(content)
    return sample.state_dir


def whole_lines(files: list[bytes]) -> list[bytes]:
    """The same, cut between lines."""
    begun = b""
    cut = []
    for content in files:
        head, newline, tail = (begun + content).rpartition(b"\n")
        cut.append(head + newline)
        begun = tail
    return cut


@pytest.mark.timing
def test_a_long_past_costs_little(state_dir: Path, tmp_path: Path) -> None:
    with running_server(state_dir, tmp_path / "own") as server:
        listed = server.ask("/tasks?limit=1").json()
        seconds = processor_seconds(server)
        assert listed["total"] >= TASKS
        assert server.ask("/metrics").status == 200
        for target in ("/tasks?limit=1000", "/containers", "/buildroots", "/status"):
            assert server.ask(target).status == 200
        for page in ("/", "/tasks", "/buildroots"):
            assert server.ask(page, Accept="text/html").status == 200
        assert server.memory() < MOST_MEMORY
        assert seconds < MOST_DECODINGS * decoding_seconds(state_dir)


def decoding_seconds(state_dir: Path) -> float:
    """What it takes to decode all lines of the journal."""
    began = time.process_time()
    for file in state_dir.glob(f"{JOURNAL}*"):
        for line in file.read_bytes().splitlines():
            json.loads(line)
    return time.process_time() - began


def processor_seconds(server: Server) -> float:
    """What it has used so far."""
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
