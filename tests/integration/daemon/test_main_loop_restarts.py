"""The daemon as a process that ends in all ways, and starts again: its tasks go on, or are freed once."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import koji

from koji_adjutant.container.podman_manager import PodmanManager
from tests.hubs import HOST
from tests.integration.daemon.kojid_process import PROGRAM, Kojid
from tests.integration.daemon.test_kojid import containers, worker_container
from tests.processes import is_alive
from tests.waiting import PATIENCE, eventually

DAY = 86400.0
ENOUGH = "enough"
SILENCE = 1200.0
"""More than the 900 seconds after which a hub frees the tasks of a host."""


@contextmanager
def killed_with_task(kojid: Kojid, seconds: float | None = None) -> Iterator[tuple[int, int]]:
    """A task, and its process, of a daemon that was killed; the process is ended in the end.

    Without `seconds` the task lasts until it is enough.
    """
    with ExitStack() as stack:
        with kojid.running() as first:
            task = lasting_task(kojid) if seconds is None else kojid.hub.admin.makeTask("sleep", [seconds])
            pid = kojid.pid_of(task)
            stack.callback(end, pid)
            first.kill()
            first.wait(PATIENCE)
        assert is_alive(pid)
        yield task, pid


def lasting_task(kojid: Kojid) -> int:
    """One that goes on for as long as a new daemon takes to start, on a machine however busy."""
    return int(kojid.hub.admin.makeTask("until", [str(kojid.directory / ENOUGH)]))


def enough(kojid: Kojid) -> None:
    (kojid.directory / ENOUGH).touch()


def end(pid: int) -> None:
    if is_alive(pid):
        os.kill(pid, signal.SIGKILL)


def started(kojid: Kojid, task: int) -> float:
    return float(kojid.hub.admin.getTaskInfo(task)["start_ts"])


def open_sessions(kojid: Kojid) -> list[dict[str, Any]]:
    """Those of the host."""
    sql = (
        "SELECT s.id, s.master, s.exclusive FROM sessions s, users u WHERE s.user_id = u.id AND s.closed = 0"
    )
    return kojid.hub.hub.control.rows(f"{sql} AND u.name = ?", (HOST,))


def age_sessions(kojid: Kojid) -> None:
    for row in open_sessions(kojid):
        kojid.hub.hub.control.age_session(row["id"], 2 * DAY)


def adopted(kojid: Kojid, task: int) -> None:
    eventually(lambda: "adopted" in kojid.events(task), f"task {task} adopted\n{kojid.log.read_text()}")


def assert_went_on(kojid: Kojid, task: int, pid: int) -> None:
    """The process that was there closes the task, and nobody has begun it anew."""
    adopted(kojid, task)
    assert kojid.pid_of(task) == pid
    enough(kojid)
    kojid.wait_for(task, "CLOSED")
    eventually(lambda: "closed" in kojid.events(task), "in the journal")
    assert kojid.events(task) == ["opened", "started", "adopted", "closed"]


def test_tasks_of_a_daemon_that_is_killed_go_on(
    kojid: Kojid, manager: PodmanManager, contract_image: str
) -> None:
    with killed_with_task(kojid) as (task, pid):
        before = started(kojid, task)
        container = worker_container(kojid, manager, contract_image, task)
        leftover = worker_container(kojid, manager, contract_image, task + 1000)
        with kojid.running():
            adopted(kojid, task)
            eventually(
                lambda: containers(kojid, manager) == {container}, "the leftover is swept, and it alone"
            )
            manager.kill(container)
            manager.remove(container)
            assert leftover not in containers(kojid, manager)
            assert_went_on(kojid, task, pid)
            assert started(kojid, task) == before
            eventually(lambda: len(open_sessions(kojid)) == 1, "the task's sessions are over")
    assert open_sessions(kojid) == [], kojid.log.read_text()
    assert kojid.leftovers() == []


def test_a_reload_keeps_tasks_and_the_pid(kojid: Kojid) -> None:
    with kojid.running() as process:
        task = lasting_task(kojid)
        pid = kojid.pid_of(task)
        process.send_signal(signal.SIGUSR1)
        assert_went_on(kojid, task, pid)
        eventually(lambda: not is_alive(pid), "the process that has closed its task ends")
        assert process.poll() is None
    assert process.returncode == 0, kojid.log.read_text()
    assert kojid.log.read_text().count("Starting up") == 2
    assert open_sessions(kojid) == [], kojid.log.read_text()


def test_a_second_signal_while_it_reloads_is_kept(kojid: Kojid) -> None:
    with kojid.running() as process:
        task = kojid.hub.admin.makeTask("sleep", [600])
        pid = kojid.pid_of(task)
        for number in (signal.SIGUSR1, signal.SIGUSR1, signal.SIGTERM):
            process.send_signal(number)
        assert process.wait(PATIENCE) == 0
    assert not is_alive(pid)
    assert kojid.task_state(task) == "FREE"
    assert open_sessions(kojid) == [], kojid.log.read_text()


def test_an_adopted_parent_is_woken(kojid: Kojid) -> None:
    with kojid.running(sleeptime="600"):
        eventually(lambda: kojid.hub.admin.getHost(HOST)["ready"], "ready")
    # No poll but those that somebody asks for: by a poke, or by ending.
    parent = kojid.hub.admin.makeTask("waittest", [1, 2])
    with kojid.running(sleeptime="600") as first:
        pid = kojid.pid_of(parent)
        (child, *_) = eventually(lambda: kojid.hub.admin.getTaskChildren(parent), "child made")
        kojid.pid_of(child["id"])
        first.kill()
        first.wait(PATIENCE)
    with kojid.running(sleeptime="600"):
        assert_went_on(kojid, parent, pid)


def test_freed_while_nobody_reported(kojid: Kojid) -> None:
    host = kojid.hub.admin.getHost(HOST)["id"]
    with killed_with_task(kojid) as (task, pid):
        kojid.hub.hub.control.age_host(host, SILENCE)
        with other_host(kojid) as other:
            other.host.getTasks()
        assert kojid.task_state(task) == "FREE"
        with kojid.running():
            assert_went_on(kojid, task, pid)


@contextmanager
def other_host(kojid: Kojid) -> Iterator[Any]:
    kojid.hub.hub.accounts.add_host("other", "o-secret-7", arches=("x86_64",))
    session: Any = koji.ClientSession(kojid.hub.hub.url, {"user": "other", "password": "o-secret-7"})
    session.login()
    session.exclusiveSession()
    yield session
    session.logout()


def test_taken_by_another_host_meanwhile(kojid: Kojid) -> None:
    with killed_with_task(kojid, 600) as (task, pid):
        kojid.hub.admin.freeTask(task)
        with other_host(kojid) as other:
            assert other.host.openTask(task)
            with kojid.running():
                eventually(lambda: not is_alive(pid), "its process is gone")
            assert kojid.task_state(task) == "OPEN"
            assert kojid.hub.admin.getTaskInfo(task)["host_id"] == other.host.getID()
    assert kojid.leftovers() == []


def test_sessions_that_are_too_old(kojid: Kojid) -> None:
    with killed_with_task(kojid) as (task, pid):
        age_sessions(kojid)
        with kojid.running():
            adopted(kojid, task)
            eventually(lambda: len(open_sessions(kojid)) == 2, "it has a session")
            age_sessions(kojid)
            assert_went_on(kojid, task, pid)


def test_a_task_whose_session_was_ended_gets_another(kojid: Kojid) -> None:
    with kojid.running():
        task = kojid.hub.admin.makeTask("sleep", [2])
        kojid.pid_of(task)
        (child,) = [row["id"] for row in open_sessions(kojid) if row["master"]]
        kojid.hub.admin.logout(child)
        kojid.wait_for(task, "CLOSED")
    assert open_sessions(kojid) == [], kojid.log.read_text()


def rewrite_state(kojid: Kojid, task: int, **changes: Any) -> None:
    file = kojid.state / "tasks" / f"{task}.json"
    state = {**json.loads(file.read_text()), **changes}
    file.write_text(json.dumps({key: value for key, value in state.items() if value is not None}))


def test_the_previous_version_is_adopted(kojid: Kojid) -> None:
    with killed_with_task(kojid) as (task, pid):
        rewrite_state(kojid, task, version=1, session=None)
        with kojid.running():
            assert_went_on(kojid, task, pid)
        assert not is_alive(pid)


def test_what_is_not_understood_is_freed_once(kojid: Kojid) -> None:
    with killed_with_task(kojid, 600) as (task, pid):
        rewrite_state(kojid, task, version=99)
        with kojid.running():
            eventually(lambda: kojid.events(task).count("started") == 2, "taken again")
            assert not is_alive(pid)
            assert kojid.events(task).count("freed") == 1
    assert kojid.leftovers() == []


def test_a_second_sigterm_changes_nothing(kojid: Kojid) -> None:
    with kojid.running() as process:
        tasks = [kojid.hub.admin.makeTask("sleep", [600]) for _ in range(3)]
        pids = [kojid.pid_of(task) for task in tasks]

        def signaled() -> bool:
            process.send_signal(signal.SIGTERM)
            return process.poll() is not None

        eventually(signaled, "it ends", step=0.01)
    assert process.returncode == 0
    assert not [pid for pid in pids if is_alive(pid)]
    assert {kojid.task_state(task) for task in tasks} == {"FREE"}
    assert not kojid.hub.admin.getHost(HOST)["ready"]
    assert open_sessions(kojid) == [], kojid.log.read_text()
    assert kojid.leftovers() == []


def test_a_hub_that_is_away_when_it_starts_again(kojid: Kojid) -> None:
    with killed_with_task(kojid) as (task, pid):
        kojid.hub.hub.control.go_offline()
        with kojid.running():
            eventually(lambda: "tasks run on, trying again" in kojid.log.read_text(), "it waits")
            kojid.hub.hub.control.go_online()
            assert_went_on(kojid, task, pid)


def test_stopped_before_it_could_log_in(kojid: Kojid) -> None:
    with killed_with_task(kojid, 600) as (task, pid):
        kojid.hub.hub.control.go_offline()
        with kojid.running() as process:
            eventually(lambda: "tasks run on, trying again" in kojid.log.read_text(), "it waits")
            process.terminate()
            assert process.wait(PATIENCE) == 0
        assert not is_alive(pid)
        kojid.hub.hub.control.go_online()
        with kojid.running():
            eventually(lambda: kojid.events(task).count("freed") == 1, "freed")


def test_shutdown_by_task(kojid: Kojid) -> None:
    with kojid.running() as process:
        other = kojid.hub.admin.makeTask("sleep", [600])
        pid = kojid.pid_of(other)
        kojid.hub.admin.makeTask("shutdown", [])
        assert process.wait(PATIENCE) == 0
    assert not is_alive(pid)
    assert kojid.task_state(other) == "FREE"
    assert open_sessions(kojid) == [], kojid.log.read_text()


def test_the_terminal_of_the_daemon_is_closed(kojid: Kojid) -> None:
    """It hangs up on the daemon, and not on its tasks; what they log goes nowhere."""
    terminal, its_end = os.openpty()
    argv = [sys.executable, "-c", PROGRAM, "--config", str(kojid.write_config()), "--fg", "--verbose"]
    first = subprocess.Popen(
        ["env", "--default-signal=HUP", "setsid", "--ctty", *argv],
        stdin=its_end,
        stdout=its_end,
        stderr=its_end,
        env=kojid.environment,
    )
    os.close(its_end)
    task = kojid.hub.admin.makeTask("sleep", [3])
    pid = kojid.pid_of(task)
    os.close(terminal)
    assert first.wait(PATIENCE) == -signal.SIGHUP
    with kojid.running():
        assert_went_on(kojid, task, pid)
