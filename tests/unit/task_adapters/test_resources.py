"""resources.json, by what was measured."""

import json

from koji_adjutant.guards.usage import MeasuredContainer, MeasuredPhase
from koji_adjutant.journal.use import Use
from koji_adjutant.task_adapters.resources import resources_text, total

INSTALLER = MeasuredContainer(role="installer", seconds=10.0, use=Use(memory_bytes=400, cpu_seconds=9.0))
BUILD = MeasuredContainer(
    role="build", seconds=61.2345, use=Use(memory_bytes=300, cpu_seconds=70.0, disk_bytes=50, pids=9)
)


def test_peaks_are_the_highest_and_the_rest_adds_up() -> None:
    assert total((INSTALLER, BUILD)) == Use(memory_bytes=400, cpu_seconds=79.0, disk_bytes=50, pids=9)


def test_what_was_not_measured_is_not_there() -> None:
    text = resources_text(task={"task": 5}, limits={}, containers=(), phases=())
    assert json.loads(text) == {
        "version": 1,
        "task": 5,
        "limits": {},
        "total": {},
        "containers": [],
        "phases": [],
    }


def test_the_file() -> None:
    phase = MeasuredPhase(name="build", seconds=2.0, use=Use(cpu_seconds=2.0))
    text = resources_text(task={"task": 5}, limits={"cpus": 2}, containers=(BUILD,), phases=(phase,))
    content = json.loads(text)
    assert content["phases"] == [{"name": "build", "seconds": 2.0, "cpu_seconds": 2.0}]
    assert content["containers"][0] == {
        "role": "build",
        "seconds": 61.234,
        "memory_bytes": 300,
        "cpu_seconds": 70.0,
        "disk_bytes": 50,
        "pids": 9,
    }
