"""`koji-adjutant end-tasks`: tasks whose daemon is dead and does not come back; with the answers that systemd gives."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from koji_adjutant.container.podman_manager import PodmanManager
from tests.fakes.systemctl import STOP, UNIT, write_systemctl
from tests.hubs import HOST
from tests.integration.daemon.kojid_process import ROOT, Kojid
from tests.integration.daemon.test_kojid import containers, worker_container
from tests.integration.daemon.test_main_loop_restarts import adopted, killed_with_task, open_sessions
from tests.processes import is_alive
from tests.waiting import PATIENCE

PROGRAM = "import sys; from koji_adjutant.cli.commands import main; sys.exit(main())"
CRASHED = {"SERVICE_RESULT": "signal", "EXIT_CODE": "killed", "EXIT_STATUS": "KILL"}
"""What systemd says in the environment, of a crash before a restart and of one while it stops the unit."""


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
            assert ("is unknown" in done.stderr) == (jobs is None)
        with kojid.running():
            adopted(kojid, task)
            assert kojid.pid_of(task) == pid
            assert is_alive(pid)


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
