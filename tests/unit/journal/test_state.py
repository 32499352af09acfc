"""The format of the state files."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.errors import Problem
from koji_adjutant.host.files import boot_id
from koji_adjutant.host.processes import start_time
from koji_adjutant.journal.state import (
    MAIN,
    READINESS,
    TASKS,
    NotReady,
    Obstacle,
    TaskState,
    UnreadableState,
    read_main,
    read_readiness,
    read_task,
    reason_said,
    task_file,
    this_process,
    write_readiness,
    write_task,
)

DISABLED = NotReady(obstacle=Obstacle.DISABLED, reason="Host is disabled")


@pytest.mark.parametrize(
    "change", [{"boot_id": "another"}, {"start_time": 1}, {"pid": 2**22 + 1}], ids=["boot", "start", "pid"]
)
def test_another_process_is_not_taken_for_it(change: dict[str, object]) -> None:
    own: dict[str, object] = {
        "pid": os.getpid(),
        "start_time": start_time(os.getpid()),
        "boot_id": boot_id(),
    }
    known: dict[str, object] = {"task": 7, "method": "build", "workdir": "/w"}
    assert TaskState(**{**known, **own}).is_alive()  # type: ignore[arg-type]
    assert not TaskState(**{**known, **own, **change}).is_alive()  # type: ignore[arg-type]


def test_a_dead_process_does_not_live() -> None:
    child = os.posix_spawn("/bin/true", ["true"], {})
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    assert start_time(child) is None
    os.waitpid(child, 0)


def test_a_task_is_read_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / TASKS).mkdir()
    own = this_process()
    state = TaskState(
        task=7,
        method="build",
        workdir="/w",
        containers=("c1",),
        session=3,
        pid=own.pid,
        start_time=own.start_time,
        boot_id=own.boot_id,
    )
    write_task(tmp_path, state)
    assert read_task(task_file(tmp_path, 7)) == state
    assert read_task(task_file(tmp_path, 8)) is None


@pytest.mark.parametrize("content", ["", "7", "[]", '{"version": 2}', '{"version": 2, "containers": 7}'])
def test_a_task_that_is_not_understood(tmp_path: Path, content: str) -> None:
    (tmp_path / TASKS).mkdir()
    task_file(tmp_path, 7).write_text(content)
    found = read_task(task_file(tmp_path, 7))
    assert isinstance(found, UnreadableState)
    assert (found.task, found.is_alive()) == (7, False)


def test_no_main_process_is_known(tmp_path: Path) -> None:
    assert read_main(tmp_path) is None
    for content in ("", "{}", '{"pid": "1", "start_time": 1, "boot_id": ""}', "[]"):
        (tmp_path / MAIN).write_text(content)
        assert read_main(tmp_path) is None


def test_readiness_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert read_readiness(tmp_path) is None
    write_readiness(tmp_path, DISABLED)
    found = read_readiness(tmp_path)
    assert found is not None
    assert (found.writer, found.not_ready) == (this_process(), DISABLED)
    assert reason_said(tmp_path) == Problem("Host is disabled")
    write_readiness(tmp_path, None)
    found = read_readiness(tmp_path)
    assert found is not None
    assert found.not_ready is None
    assert reason_said(tmp_path) is None


@pytest.mark.parametrize("change", [{"start_time": 1}, {"version": 3}, {"boot_id": "another"}, {"pid": "x"}])
def test_what_a_dead_daemon_said_is_over(tmp_path: Path, change: dict[str, Any]) -> None:
    write_readiness(tmp_path, DISABLED)
    file = tmp_path / READINESS
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    assert reason_said(tmp_path) is None
    file.write_text("{")
    assert reason_said(tmp_path) is None


def test_readiness_of_the_version_before_has_no_obstacle(tmp_path: Path) -> None:
    write_readiness(tmp_path, DISABLED)
    file = tmp_path / READINESS
    before = {key: value for key, value in json.loads(file.read_text()).items() if key != "obstacle"}
    file.write_text(json.dumps({**before, "version": 1}))
    found = read_readiness(tmp_path)
    assert found is not None
    assert found.not_ready == NotReady(obstacle=Obstacle.UNKNOWN, reason="Host is disabled")


def test_an_obstacle_of_a_version_to_come_is_unknown(tmp_path: Path) -> None:
    write_readiness(tmp_path, DISABLED)
    file = tmp_path / READINESS
    file.write_text(json.dumps({**json.loads(file.read_text()), "obstacle": "weather"}))
    found = read_readiness(tmp_path)
    assert found is not None
    assert found.not_ready is not None
    assert found.not_ready.obstacle is Obstacle.UNKNOWN
