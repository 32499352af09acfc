"""Views of tasks and hosts for tests of who shows them: plain ones, of which a test says what is different."""

from typing import Any

from koji_adjutant.monitoring.views import CacheView, HostView, Outcome, PhaseView, TaskView

NOW = 1_796_000_000.0


def a_task(task: int = 7, **other: Any) -> TaskView:
    """A build that has closed: a minute long, ten seconds ago, after four seconds of waiting."""
    known: dict[str, Any] = {
        "id": task,
        "method": "buildArch",
        "label": "hello-1.0-1.src.rpm, x86_64",
        "package": "hello",
        "arch": "x86_64",
        "tag": "dist-build",
        "owner": "alice",
        "parent": None,
        "outcome": Outcome.CLOSED,
        "phase": "",
        "phases": phases(NOW - 74, queued=4, starting=2, populating=8, build=45, uploading=5),
        "created": NOW - 74,
        "opened": NOW - 70,
        "ended": NOW - 10,
        "average_seconds": 80.0,
    }
    return TaskView(**{**known, **other})


def phases(began: float, **seconds: float) -> tuple[PhaseView, ...]:
    """Phases one behind the other, each as long as it is said."""
    found: list[PhaseView] = []
    for name, length in seconds.items():
        found.append(PhaseView(name=name, began=began, ended=began + length))
        began += length
    return tuple(found)


def a_host(**other: Any) -> HostView:
    """A host that takes tasks."""
    known: dict[str, Any] = {
        "name": "builder-01.example.org",
        "sentence": "builder-01.example.org takes tasks; no task runs.",
        "alive": True,
        "ready": True,
        "obstacle": "",
        "reason": "",
        "since": NOW - 3600,
        "started": NOW - 7200,
        "version": "0.1.0",
        "hub": "https://koji.example.org/kojihub",
        "worker": "ebc6f75aef88",
        "last_poll": NOW - 2,
        "enabled": True,
        "arches": ("x86_64",),
        "channels": ("default",),
        "capacity": 4.0,
        "task_load": 0.0,
        "maxjobs": 10,
        "running": 0,
        "engine_version": "5.4.2",
        "engine_problem": "",
    }
    return HostView(**{**known, **other})


NO_CACHE = CacheView(
    images=(), bytes=0, limit_bytes=None, hits=0, deps_hits=0, populated=0, seconds_saved=0.0
)
