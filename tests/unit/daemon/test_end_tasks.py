"""`koji-adjutant end-tasks`: tasks whose daemon is dead and does not come back; with the answers that systemd gives."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from koji_adjutant.cli.end_tasks import is_being_stopped
from koji_adjutant.container.podman_manager import PodmanManager
from tests.unit.conftest import HOST
from tests.unit.daemon.kojid_process import PATIENCE, ROOT, Kojid, is_alive
from tests.unit.daemon.test_kojid import containers, worker_container
from tests.unit.daemon.test_kojid_restarts import adopted, killed_with_task, open_sessions

PROGRAM = "import sys; from koji_adjutant.cli import main; sys.exit(main())"
UNIT = "kojid.service"
CRASHED = {"SERVICE_RESULT": "signal", "EXIT_CODE": "killed", "EXIT_STATUS": "KILL"}
"""What systemd says in the environment, of a crash before a restart and of one while it stops the unit."""
STOP = f"  4711 {UNIT} stop running\n"


def write_systemctl(directory: Path, jobs: str | None) -> None:
    (directory / "jobs").write_text(jobs or "")
    systemctl = directory / "systemctl"
    systemctl.write_text(f"#!/bin/sh\n{'exit 1' if jobs is None else f'cat {directory}/jobs'}\n")
    systemctl.chmod(0o755)


def end_tasks(
    kojid: Kojid, directory: Path, *flags: str, jobs: str | None = ""
) -> subprocess.CompletedProcess[str]:
    """Run it as systemd does, with a systemctl that knows these jobs, or that fails."""
    directory.mkdir(exist_ok=True)
    write_systemctl(directory, jobs)
    environment = {**kojid.environment, **CRASHED, "PATH": f"{directory}:{os.environ['PATH']}"}
    argv = [sys.executable, "-c", PROGRAM, "end-tasks", "--config", str(kojid.directory / "kojid.conf")]
    return subprocess.run(
        [*argv, *flags],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment,
        timeout=PATIENCE,
        check=False,
    )


def test_after_a_crash_the_next_daemon_has_them(kojid: Kojid, tmp_path: Path) -> None:
    with killed_with_task(kojid, 600) as (task, pid):
        for jobs in ("", None):
            done = end_tasks(kojid, tmp_path / "bin", "--after", UNIT, jobs=jobs)
            assert (done.returncode, done.stdout) == (0, "")
            assert ("is not known" in done.stderr) == (jobs is None)
        with kojid.running():
            adopted(kojid, task)
            assert kojid.pid_of(task) == pid
            assert is_alive(pid)


@pytest.mark.parametrize(
    ("jobs", "is_stop"),
    [
        (STOP, True),
        (f"1 other.service start running\n{STOP}", True),
        ("", False),
        (f"4711 {UNIT} restart running\n", False),
        (f"4711 {UNIT} start waiting\n", False),
        ("4711 other.service stop running\n", False),
    ],
)
def test_what_systemd_is_about_to_do(
    jobs: str, is_stop: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    write_systemctl(tmp_path, jobs)
    assert is_being_stopped(UNIT) == is_stop


@pytest.mark.parametrize("flags", [(), ("--after", UNIT)])
def test_when_the_service_is_stopped(
    kojid: Kojid, manager: PodmanManager, contract_image: str, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    with killed_with_task(kojid, 600) as (task, pid):
        worker_container(kojid, manager, contract_image, task)
        done = end_tasks(kojid, tmp_path / "bin", *flags, jobs=STOP if flags else "")
        assert (done.returncode, done.stdout) == (0, f"ended: {task}\n"), done.stderr
        assert not is_alive(pid)
        assert containers(kojid, manager) == set()
        assert kojid.task_state(task) == "FREE"
        assert not kojid.hub.admin.getHost(HOST)["ready"]
        assert open_sessions(kojid) == []
        assert kojid.leftovers() == []


def test_while_the_hub_is_away(kojid: Kojid, tmp_path: Path) -> None:
    with killed_with_task(kojid, 600) as (task, pid):
        kojid.hub.hub.control.go_offline()
        done = end_tasks(kojid, tmp_path / "bin", "--after", UNIT, jobs=STOP)
        kojid.hub.hub.control.go_online()
        assert done.returncode == 0, done.stderr
        assert "the hub does not know yet" in done.stdout
        assert not is_alive(pid)
        assert kojid.leftovers() == []
        assert kojid.task_state(task) == "OPEN"


def test_those_of_a_daemon_that_runs_are_its_own(kojid: Kojid, tmp_path: Path) -> None:
    with kojid.running():
        task = kojid.hub.admin.makeTask("sleep", [600])
        pid = kojid.pid_of(task)
        done = end_tasks(kojid, tmp_path / "bin")
        assert done.returncode == 2
        assert "another daemon uses it" in done.stderr
        assert is_alive(pid)
