"""Builds outlive the main process: their rpmbuild stays the same, their log whole, and nobody begins them anew."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.testbed.tasks import family, task_of
from tests.integration.restart.running_builds import Host, Running, eventually, installed_copy

pytestmark = pytest.mark.podman

DAY = 86400.0
SILENCE = 1200.0
"""The hub frees the tasks of a host that has not reported for 900 seconds."""


def adopted(host: Host, running: Running) -> None:
    """A main process has both tasks, and rpmbuild is what it was."""
    for task in (running.root.id, running.task.id):
        host.wait_for_event(task, "adopted")
    assert host.rpmbuild(running.container) == running.rpmbuild


def finish(host: Host, running: Running) -> None:
    """The build is let go on, and ends as if nothing had been."""
    assert host.rpmbuild(running.container) == running.rpmbuild
    assert host.state_of(running.task.id).pid == running.process
    host.release(running)
    build = host.testbed.wait_task(running.root.id)
    assert build.state == "CLOSED", host.testbed.fault(build.id)
    tasks = list(family(host.testbed.session, build.id))
    assert [task.method for task in tasks] == ["build", "rebuildSRPM", "buildArch"]
    for task in tasks:
        events = host.events(task.id)
        assert events.count("opened") == events.count("started") == 1, events
        assert not {"freed", "canceled", "failed"} & set(events), events
    log = host.build_log(running.task.id).splitlines()
    lines = [line for line in log if line.startswith("line ")]
    assert lines == [f"line {number}" for number in range(1, len(lines) + 1)], "\n".join(log)
    assert f"lines {len(lines)}" in log
    assert any(line.startswith("Wrote: ") for line in log)
    eventually(lambda: host.open_sessions() == 1, "no session is left but the main one")


def starts(host: Host, running: Running) -> list[float]:
    return [task_of(host.testbed.session, task).started for task in (running.root.id, running.task.id)]


def test_killed(host: Host, patient: Path) -> None:
    running = host.build(patient)
    before = starts(host, running)
    host.kill()
    assert host.rpmbuild(running.container) == running.rpmbuild
    host.start()
    adopted(host, running)
    assert starts(host, running) == before
    finish(host, running)


def test_reloaded_with_old_sessions(host: Host, patient: Path) -> None:
    running = host.build(patient)
    before = starts(host, running)
    host.age_sessions(2 * DAY)
    host.reload()
    adopted(host, running)
    host.age_sessions(2 * DAY)
    assert starts(host, running) == before
    finish(host, running)


def test_away_for_twenty_minutes(host: Host, patient: Path) -> None:
    running = host.build(patient)
    host.kill()
    with host.other_host() as other:
        # What the old main process said last may still be under way to the hub.
        eventually(lambda: freed_by(host, other) >= {running.root.id, running.task.id}, "the hub frees them")
    host.start()
    adopted(host, running)
    finish(host, running)


def freed_by(host: Host, other: Any) -> set[int]:
    """Tasks that the hub takes from a host that has not reported, when another one asks it for work."""
    host.age_report(SILENCE)
    other.host.getTasks()
    clauses = [["msg", "Freeing task from unresponsive host"]]
    return {row["task_id"] for row in host.testbed.session.scheduler.getLogMessages(clauses, ["task_id"])}


def test_the_package_is_replaced(
    host: Host, patient: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old version is gone when the new one begins, and what is left of the build finds no file of it."""
    old, new = installed_copy(tmp_path, "old"), installed_copy(tmp_path, "new")
    host.terminate()
    try:
        monkeypatch.setenv("PYTHONPATH", str(old))
        host.start()
        assert "Starting up the old one" in host.log
        running = host.build(patient)
        shutil.rmtree(old)
        monkeypatch.setenv("PYTHONPATH", str(new))
        host.kill()
        host.start()
        assert "Starting up the new one" in host.log
        adopted(host, running)
        finish(host, running)
    finally:
        monkeypatch.undo()
        host.terminate()
        host.start()
