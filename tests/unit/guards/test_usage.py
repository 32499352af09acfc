"""What containers and phases of a task have used, by figures of the test's."""

from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.guards.usage import MOST_PHASES, TaskUsage
from koji_adjutant.host.cgroups import ControlGroup
from koji_adjutant.journal.phases import EventName, HostEvent
from koji_adjutant.journal.use import Use
from tests.waiting import eventually


class Said:
    """A journal that keeps what is said of usage."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def record(
        self, name: EventName, /, *, task: int | None = None, container: str = "", **details: object
    ) -> None:
        assert (name, task, container) == (HostEvent.USAGE, 7, "ab")
        self.events.append(details)


class Group(ControlGroup):
    """A group whose figures the test sets. Its peak begins anew with each phase."""

    def __init__(self) -> None:
        super().__init__(directories={"memory": Path("/nowhere")}, is_v2=True)
        self.now: dict[str, float] = {}

    def figures(self) -> dict[str, float]:
        return dict(self.now)

    def begin_peak(self) -> bool:
        self.now["memory_bytes"] = 1 << 20
        return True


@pytest.fixture
def said() -> Said:
    return Said()


def usage_of(said: Said, group: Group | None) -> TaskUsage:
    return TaskUsage(said, 7, find=lambda _container: group, interval=0.001)


def test_a_container_that_goes_has_used_what_it_had_at_the_last_look(said: Said) -> None:
    group = Group()
    usage = usage_of(said, group)
    group.now = {"memory_bytes": 9 << 20, "cpu_seconds": 1.25, "pids": 3}
    usage.container_came("ab", "installer")
    eventually(usage.so_far, "it is looked at")
    group.now = {}
    usage.container_goes("ab")
    usage.container_goes("ab")
    assert said.events == [{"role": "installer", "memory_bytes": 9 << 20, "cpu_seconds": 1.25, "pids": 3}]
    assert [one.use for one in usage.containers] == [Use(memory_bytes=9 << 20, cpu_seconds=1.25, pids=3)]


def test_of_what_cannot_be_seen_nothing_is_said(said: Said) -> None:
    usage = usage_of(said, None)
    usage.container_came("ab", "build")
    usage.phase_began("ab", "build")
    usage.phase_ended()
    usage.container_goes("ab")
    assert not said.events
    assert not usage.so_far()


def test_a_phase_has_what_was_used_in_it_and_a_container_the_highest_peak(said: Said) -> None:
    group = Group()
    usage = usage_of(said, group)
    group.now = {"memory_bytes": 5 << 20, "cpu_seconds": 1.0, "read_bytes": 10}
    usage.container_came("ab", "build")
    usage.phase_began("ab", "prep")
    group.now |= {"memory_bytes": 300 << 20, "cpu_seconds": 3.0, "read_bytes": 30}
    usage.phase_began("ab", "build")
    group.now |= {"memory_bytes": 20 << 20, "cpu_seconds": 3.5}
    usage.phase_ended()
    usage.phase_ended()
    usage.container_goes("ab")
    assert [(one.name, one.use) for one in usage.phases] == [
        ("prep", Use(memory_bytes=300 << 20, cpu_seconds=2.0, read_bytes=20)),
        ("build", Use(memory_bytes=20 << 20, cpu_seconds=0.5, read_bytes=0)),
    ]
    assert [event.get("phase") for event in said.events] == ["prep", "build", None]
    assert said.events[-1] == {
        "role": "build",
        "memory_bytes": 300 << 20,
        "cpu_seconds": 3.5,
        "read_bytes": 30,
    }


def test_a_phase_ends_with_its_container(said: Said) -> None:
    group = Group()
    group.now = {"cpu_seconds": 1.0}
    usage = usage_of(said, group)
    usage.container_came("ab", "build")
    usage.phase_began("ab", "build")
    usage.container_goes("ab")
    assert [event.get("phase") for event in said.events] == ["build", None]


def test_a_package_does_not_fill_the_journal_with_phases(said: Said) -> None:
    group = Group()
    group.now = {"cpu_seconds": 1.0}
    usage = usage_of(said, group)
    usage.container_came("ab", "build")
    for _ in range(10 * MOST_PHASES):
        usage.phase_began("ab", "build")
    assert len(said.events) <= MOST_PHASES


def test_what_a_build_has_on_disk_is_counted_where_it_may_write(
    said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("builddir", "tmp", "usr"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_bytes(b"x" * (1 << 20))
    monkeypatch.setattr("koji_adjutant.guards.usage.upper_directory", lambda _pid: tmp_path)
    group = Group()
    group.now = {"cpu_seconds": 1.0}
    monkeypatch.setattr(group, "first_pid", lambda: 41)
    usage = TaskUsage(said, 7, home="/builddir", find=lambda _container: group)
    usage.container_came("ab", "build")
    usage.container_goes("ab")
    assert said.events[-1]["disk_bytes"] == 2 << 20
