"""Processes of the testbed: started, found again by another command, ended."""

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from koji_adjutant.testbed import services
from tests.waiting import eventually

SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
DEAF = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(600)",
]


def started(directory: Path, argv: list[str]) -> services.Service:
    service = services.start(
        argv, record=directory / "it.process", log=directory / "logs" / "it.log", environment=os.environ
    )
    eventually(lambda: services.last_line(directory / "logs" / "it.log") == "up", "it is up")
    return service


def test_a_record_finds_the_process(tmp_path: Path) -> None:
    service = started(tmp_path, SLEEP)
    assert services.recorded(tmp_path / "it.process") == service
    assert services.resident_kb(service.pid) > 1000
    assert service.pid in services.children_of(os.getpid())
    assert services.stop(tmp_path / "it.process")
    assert not service.is_running()
    assert services.resident_kb(service.pid) == 0
    assert services.children_of(service.pid) == ()
    assert not services.stop(tmp_path / "it.process")


def test_who_does_not_listen_is_killed(tmp_path: Path) -> None:
    service = started(tmp_path, DEAF)
    assert services.stop(tmp_path / "it.process", grace=0.1)
    assert not service.is_running()


def test_a_pid_that_was_given_to_another_is_left_alone(tmp_path: Path) -> None:
    service = started(tmp_path, SLEEP)
    other = tmp_path / "other.process"
    other.write_text(json.dumps({"pid": service.pid, "started": service.started - 1}))
    assert services.recorded(other) is None
    assert not services.stop(other)
    assert service.is_running()
    services.stop(tmp_path / "it.process")


def test_a_process_that_died_does_not_run(tmp_path: Path) -> None:
    service = started(tmp_path, SLEEP)
    os.kill(service.pid, signal.SIGKILL)
    os.waitid(os.P_PID, service.pid, os.WEXITED | os.WNOWAIT)
    assert not service.is_running()
    assert not services.stop(tmp_path / "it.process")
    os.waitpid(service.pid, 0)


@pytest.mark.parametrize(("text", "line"), [("", "no output"), ("one\ntwo\n\n", "two")])
def test_the_last_line_of_a_log(tmp_path: Path, text: str, line: str) -> None:
    (tmp_path / "log").write_text(text)
    assert services.last_line(tmp_path / "log") == line
    assert services.last_line(tmp_path / "none") == "no output"
