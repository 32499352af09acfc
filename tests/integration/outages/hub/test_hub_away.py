"""A build goes on while its hub does not answer, and what it made arrives whole and once."""

import json

import pytest

from koji_adjutant.container import labels
from koji_adjutant.hub.claim import FILE
from koji_adjutant.testbed.content import HOST
from koji_adjutant.testbed.tasks import task_of
from tests.faults.hub_proxy import HubProxy
from tests.integration.restart.running_builds import Host, Running, eventually
from tests.waiting import lasts

pytestmark = pytest.mark.podman

DAY = 86400.0
DOWN_SECONDS = 8.0
FAULT_SECONDS = 1.0
SILENCE = 1200.0
"""After 900 the hub frees the tasks of a host."""


def begin(host: Host, source: str) -> Running:
    return host.running(host.build_arch(source))


def finish(host: Host, running: Running) -> None:
    """The build has ended, or is about to: nothing of it is lost, and nobody began it twice."""
    task = host.testbed.wait_task(running.task.id)
    assert task.state == "CLOSED", host.testbed.fault(task.id)
    events = host.events(task.id)
    assert events.count("opened") == events.count("started") == 1, events
    assert not {"freed", "canceled", "failed"} & set(events), events
    lines = host.build_log(task.id).splitlines()
    printed = [line for line in lines if line.startswith("line ")]
    assert printed == [f"line {number}" for number in range(1, len(printed) + 1)]
    assert f"lines {len(printed)}" in lines
    result = host.testbed.session.getTaskResult(task.id)
    for path in (*result["rpms"], *result["srpms"], *result["logs"]):
        assert (host.testbed.topdir / "work" / path).stat().st_size
    eventually(lambda: host.state.find(task.id) is None, "its process has ended")
    assert not host.containers(f"{labels.TASK}={task.id}")


def test_a_hub_that_is_down_while_a_build_prints_and_ends(host: Host, proxy: HubProxy, patient: str) -> None:
    running = begin(host, patient)
    with proxy.down():
        lasts(
            lambda: host.rpmbuild(running.container) == running.rpmbuild,
            "its rpmbuild",
            seconds=DOWN_SECONDS / 2,
        )
        host.release(running)
        lasts(
            lambda: task_of(host.testbed.session, running.task.id).state == "OPEN",
            "the task is open",
            seconds=DOWN_SECONDS / 2,
        )
    finish(host, running)


def test_a_hub_that_answers_badly(host: Host, proxy: HubProxy, patient: str) -> None:
    running = begin(host, patient)
    for fault in (
        proxy.status(500),
        proxy.garbage(),
        proxy.garbage(truncated=True),
        proxy.offline(),
        proxy.delay(FAULT_SECONDS),
        proxy.drop_answer(times=0, every=2),
    ):
        with fault:
            fault.wait(times=2)
            lasts(
                lambda: host.rpmbuild(running.container) == running.rpmbuild,
                "its rpmbuild",
                seconds=FAULT_SECONDS,
            )
    host.release(running)
    finish(host, running)


def test_sessions_that_expire(host: Host, patient: str) -> None:
    running = begin(host, patient)
    host.age_sessions(2 * DAY)
    size = len(host.build_log(running.task.id))
    eventually(lambda: len(host.build_log(running.task.id)) > size, "the log goes on")
    host.release(running)
    finish(host, running)


def test_sessions_that_somebody_has_ended(host: Host, patient: str) -> None:
    """With the main one its subsessions end; the daemon logs in anew, and the task gets another."""
    running, main = begin(host, patient), host.main()
    sql = "SELECT s.id FROM sessions s, users u WHERE u.id = s.user_id AND u.name = ? AND s.exclusive = 1"
    ((number,),) = host.hub_database(f"{sql} AND s.closed = 0", HOST)
    host.testbed.session.logout(session_id=number)
    size = len(host.build_log(running.task.id))
    eventually(lambda: len(host.build_log(running.task.id)) > size, "the log goes on")
    host.release(running)
    finish(host, running)
    assert host.main() == main


def be_silent(host: Host) -> None:
    """The daemon has not heard from the hub for that long."""
    file = host.testbed.layout.state_dir / FILE
    seen = json.loads(file.read_text())
    file.write_text(json.dumps({key: value - SILENCE for key, value in seen.items()}))


def test_a_task_that_was_freed_meanwhile_is_taken_back(host: Host, proxy: HubProxy, patient: str) -> None:
    running = begin(host, patient)
    with proxy.down():
        host.testbed.session.freeTask(running.task.id)
        be_silent(host)
    eventually(lambda: task_of(host.testbed.session, running.task.id).state == "OPEN", "it is taken back")
    assert host.rpmbuild(running.container) == running.rpmbuild
    host.release(running)
    finish(host, running)
    info = host.testbed.session.getTaskInfo(running.task.id)
    assert info["host_id"] == host.testbed.session.getHost(HOST)["id"]


def test_a_task_that_another_host_has_is_dropped(host: Host, proxy: HubProxy, patient: str) -> None:
    running = begin(host, patient)
    with host.other_host() as other:
        with proxy.down():
            host.testbed.session.freeTask(running.task.id)
            assert other.host.openTask(running.task.id)
            be_silent(host)
        eventually(lambda: host.state.find(running.task.id) is None, "nothing is left of it here")
        assert not host.containers(f"{labels.TASK}={running.task.id}")
        info = host.testbed.session.getTaskInfo(running.task.id)
        assert (info["state"], info["host_id"]) == (1, other.host.getID())
        other.host.closeTask(running.task.id, "<methodResponse/>")
    assert not {"closed", "failed", "freed"} & set(host.events(running.task.id))
