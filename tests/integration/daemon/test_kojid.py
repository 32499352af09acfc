"""The daemon as a process: tasks from the hub, an engine, and everything that can end."""

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import koji
import pytest

from koji_adjutant.container.interface import ContainerSpec
from koji_adjutant.container.labels import WORKER, Owner, Role
from koji_adjutant.container.podman_manager import PodmanManager
from tests.hubs import HOST, PASSWORD
from tests.integration.daemon.kojid_process import Kojid
from tests.processes import is_alive
from tests.waiting import PATIENCE, eventually, lasts

MAIN_PROCESS_KB = 70 * 1024
TASK_PROCESS_KB = 60 * 1024


def resident_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def worker_container(kojid: Kojid, manager: PodmanManager, image: str, task: int) -> str:
    owner = Owner(worker=(kojid.state / "worker").read_text().strip(), task_id=task)
    spec = ContainerSpec(image=image, command=("/bin/sleep", "600"), labels=owner.labels(Role.BUILD))
    container = manager.create(spec)
    manager.start(container)
    return container


def containers(kojid: Kojid, manager: PodmanManager) -> set[str]:
    return {one.id for one in manager.find({WORKER: (kojid.state / "worker").read_text().strip()})}


def test_a_task_is_done(kojid: Kojid) -> None:
    with kojid.running() as process:
        task = kojid.hub.admin.makeTask("sleep", [0])
        kojid.wait_for(task, "CLOSED")
        eventually((kojid.state / "machines").exists, "machines are tried")
        assert "kojid" in Path(f"/proc/{process.pid}/cmdline").read_text()
    assert process.returncode == 0
    assert kojid.events(task) == ["opened", "started", "closed"]
    assert kojid.leftovers() == []
    assert not kojid.hub.admin.getHost("builder")["ready"]


def test_subtasks_wake_their_parent(kojid: Kojid) -> None:
    with kojid.running(sleeptime="600"):
        eventually(lambda: kojid.hub.admin.getHost("builder")["ready"], "ready")
    # Only pokes and the ends of processes make this daemon poll again: one task a second would take 600.
    parent = kojid.hub.admin.makeTask("waittest", [3, 0])
    with kojid.running(sleeptime="600"):
        kojid.wait_for(parent, "CLOSED")


@pytest.mark.parametrize("hub", [1, 2], indirect=True)
def test_subtasks_are_had_where_the_scheduler_runs_now_and_then(kojid: Kojid) -> None:
    with kojid.running(sleeptime="600"):
        eventually(lambda: kojid.hub.admin.getHost("builder")["ready"], "ready")
    parent = kojid.hub.admin.makeTask("waittest", [2, 0])
    # The poll at which the subtasks have just been made comes before the hub's next run.
    lasts(lambda: kojid.task_state(parent) == "FREE", "it is free", seconds=2.5)
    with kojid.running(sleeptime="600"):
        kojid.wait_for(parent, "CLOSED")


def test_memory(kojid: Kojid) -> None:
    measured = replace(kojid, is_measured=True)
    with measured.running() as process:
        task = kojid.hub.admin.makeTask("sleep", [600])
        pid = kojid.pid_of(task)
        assert resident_kb(process.pid) < MAIN_PROCESS_KB
        assert resident_kb(pid) < TASK_PROCESS_KB
        kojid.hub.admin.cancelTask(task)
        eventually(lambda: not is_alive(pid), "gone")


def test_cancel_leaves_nothing(kojid: Kojid, manager: PodmanManager, contract_image: str) -> None:
    with kojid.running():
        task, other = kojid.hub.admin.makeTask("sleep", [600]), kojid.hub.admin.makeTask("sleep", [600])
        pid, other_pid = kojid.pid_of(task), kojid.pid_of(other)
        container = worker_container(kojid, manager, contract_image, task)
        kept = worker_container(kojid, manager, contract_image, other)
        kojid.hub.admin.cancelTask(task)
        eventually(lambda: not is_alive(pid), "process gone")
        eventually(lambda: container not in containers(kojid, manager), "container gone")
        eventually(lambda: "canceled" in kojid.events(task), "in the journal")
        assert containers(kojid, manager) == {kept}
        assert is_alive(other_pid)
    assert not is_alive(other_pid)
    assert containers(kojid, manager) == set()
    assert kojid.task_state(other) == "FREE"
    assert kojid.leftovers() == []


def test_a_task_given_to_nobody_is_stopped(kojid: Kojid) -> None:
    with kojid.running():
        task = kojid.hub.admin.makeTask("sleep", [600])
        pid = kojid.pid_of(task)
        kojid.hub.admin.freeTask(task)
        eventually(lambda: not is_alive(pid), "process gone")
        eventually(lambda: kojid.pid_of(task) != pid, "taken again")


def test_a_task_process_that_dies(kojid: Kojid, manager: PodmanManager, contract_image: str) -> None:
    with kojid.running():
        task = kojid.hub.admin.makeTask("sleep", [600])
        pid = kojid.pid_of(task)
        container = worker_container(kojid, manager, contract_image, task)
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: container not in containers(kojid, manager), "container gone")
        eventually(lambda: "freed" in kojid.events(task), "freed")
        eventually(lambda: kojid.pid_of(task) != pid, "taken again")


def test_restart_by_task(kojid: Kojid) -> None:
    with kojid.running():
        task = kojid.hub.admin.makeTask("restartHosts", [])
        kojid.wait_for(task, "CLOSED")
    assert kojid.log.read_text().count("Starting up") == 2
    of_daemon = [event for event in kojid.journal() if event.name.startswith("daemon-")]
    assert [(event.name, event.details.get("why") or event.details["anew"]) for event in of_daemon] == [
        ("daemon-started", False),
        ("daemon-stopped", "restart"),
        ("daemon-started", True),
        ("daemon-stopped", "stop"),
    ]
    assert len({(event.pid, event.boot_id) for event in of_daemon}) == 1


def test_the_journal_tells_of_the_host(kojid: Kojid) -> None:
    with kojid.running():
        eventually(lambda: kojid.hub.admin.getHost("builder")["ready"], "ready")
        eventually(lambda: "ready" in kojid.host_events(), "said")
        kojid.hub.admin.disableHost("builder")
        eventually(lambda: "not-ready" in kojid.host_events(), "not ready")
    events = kojid.host_events()
    assert set(events) == {"daemon-started", "engine-back", "ready", "not-ready", "daemon-stopped"}
    assert events["not-ready"].details == {"obstacle": "disabled", "reason": "Host is disabled"}
    assert events["daemon-stopped"].details == {"why": "stop"}


def test_a_second_daemon(kojid: Kojid) -> None:
    with kojid.running():
        eventually(lambda: kojid.hub.admin.getHost("builder")["ready"], "ready")
        second = kojid.start()
        assert second.wait(PATIENCE) == 2
        third = kojid.start(adjutant_state_dir=str(kojid.directory / "other"))
        assert third.wait(PATIENCE) == 1
    assert "another daemon uses it" in kojid.log.read_text()
    assert "another daemon is logged in" in kojid.log.read_text()


def test_a_session_that_is_taken_over(kojid: Kojid) -> None:
    with kojid.running() as first:
        eventually(lambda: kojid.hub.admin.getHost("builder")["ready"], "ready")
        with kojid.running(
            "--fg", "--verbose", "--force-lock", adjutant_state_dir=str(kojid.directory / "other")
        ):
            assert first.wait(PATIENCE) == 1
    assert "The hub ended our session" in kojid.log.read_text()


def test_a_method_that_nobody_knows_is_refused(kojid: Kojid) -> None:
    with kojid.running():
        task = kojid.hub.admin.makeTask("brewCoffee", [])
        refusals = eventually(
            lambda: kojid.hub.admin.scheduler.getTaskRefusals([["task_id", task]]), "refused"
        )
    assert [(one["soft"], one["msg"]) for one in refusals] == [(False, "no handler for method")]


def test_an_engine_that_is_away(kojid: Kojid, tmp_path: Path) -> None:
    with kojid.running(adjutant_podman_socket=str(tmp_path / "none.sock")):
        eventually(lambda: "Not ready for task" in kojid.log.read_text(), "said")
        assert not kojid.hub.admin.getHost("builder")["ready"]
    assert "none.sock" in kojid.log.read_text()


def test_a_hub_that_is_away_for_a_while(kojid: Kojid) -> None:
    with kojid.running() as process:
        eventually(lambda: kojid.hub.admin.getHost("builder")["ready"], "ready")
        kojid.hub.hub.control.go_offline()
        eventually(lambda: "The hub does not answer" in kojid.log.read_text(), "noticed")
        kojid.hub.hub.control.go_online()
        task = kojid.hub.admin.makeTask("sleep", [0])
        kojid.wait_for(task, "CLOSED")
        assert process.poll() is None


def test_an_aged_session(kojid: Kojid) -> None:
    with kojid.running():
        first = kojid.hub.admin.makeTask("sleep", [2])
        kojid.pid_of(first)
        for row in kojid.hub.hub.control.rows("SELECT id FROM sessions WHERE user_id != 1"):
            kojid.hub.hub.control.age_session(row["id"], 2 * 86400.0)
        second = kojid.hub.admin.makeTask("sleep", [0])
        kojid.wait_for(first, "CLOSED")
        kojid.wait_for(second, "CLOSED")


def test_one_task_and_no_more(kojid: Kojid) -> None:
    task = kojid.hub.admin.makeTask("sleep", [0])
    assert kojid.start("--single", "--verbose").wait(PATIENCE) == 0
    assert kojid.task_state(task) == "CLOSED"


def test_in_the_background(kojid: Kojid) -> None:
    log = kojid.directory / "kojid-file.log"
    launcher = kojid.start("--verbose", adjutant_log_file=str(log))
    assert launcher.wait(PATIENCE) == 0
    eventually(lambda: "Starting up" in log.read_text(), "runs in the background")
    # Helpers, and the process that has made this one, come and go.
    pid = eventually(lambda: len(found := kojid.running_pids()) == 1 and found[0], "has one process")
    try:
        task = kojid.hub.admin.makeTask("sleep", [0])
        kojid.wait_for(task, "CLOSED")
        assert os.getsid(pid) != os.getsid(0)
    finally:
        os.kill(pid, signal.SIGTERM)
        eventually(lambda: not is_alive(pid), "gone")
    assert "koji.adjutant.daemon: Starting up" in log.read_text()
    assert kojid.log.read_text() == ""


def test_login_only(kojid: Kojid) -> None:
    assert kojid.start("--skip-main").wait(PATIENCE) == 0
    assert not (kojid.state / "tasks").exists()


def test_a_build_tag_without_arches_fails_its_tasks(kojid: Kojid) -> None:
    admin = kojid.hub.admin
    admin.createTag("bare")
    host: Any = koji.ClientSession(kojid.hub.hub.url, {"user": HOST, "password": PASSWORD})
    host.login()
    host.exclusiveSession()
    repo = host.host.repoInit("bare")[0]
    host.logout()
    with kojid.running():
        for tag, why in (("bare", "No arch list for tag: bare"), ("none", "none")):
            task = admin.makeTask("rebuildSRPM", ["x.src.rpm", tag, {"repo_id": repo}])
            kojid.wait_for(task, "FAILED")
            with pytest.raises(koji.GenericError, match=why):
                admin.getTaskResult(task)
            assert admin.scheduler.getTaskRefusals([["task_id", task]]) == []
