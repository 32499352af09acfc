"""What ends with the daemon: all builds of one that is told to, everything of one that was killed with its tasks."""

import os
import signal
from pathlib import Path

import koji
import pytest

from koji_adjutant.container import labels
from koji_adjutant.testbed.content import HOST
from koji_adjutant.testbed.tasks import task_of
from tests.integration.restart.running_builds import Host, wait_for_end
from tests.pace import slowness

pytestmark = [pytest.mark.podman, pytest.mark.timing]

BUILDS = 10
END_SECONDS = 10.0
CAPACITY = 40.0


def test_ten_builds_end_in_ten_seconds(host: Host, patient: Path) -> None:
    admin = host.testbed.session
    capacity = admin.getHost(HOST)["capacity"]
    host.terminate()
    with host.options(maxjobs="12"):
        admin.editHost(HOST, capacity=CAPACITY)
        host.start()
        source = host.upload(patient)
        tasks = [host.build_arch(source) for _ in range(BUILDS)]
        for task in tasks:
            host.wait_for_event(task, "rpmbuild-started")
        processes = [host.state_of(task).pid for task in tasks]
        seconds = host.terminate()
        left = host.containers(labels.TASK)
        states = {task_of(admin, task).state for task in tasks}
        for task in tasks:
            admin.cancelTask(task)
        admin.editHost(HOST, capacity=capacity)
    assert seconds < END_SECONDS * slowness()
    assert left == []
    assert states == {"FREE"}
    for process in processes:
        wait_for_end(process)
    assert not admin.getHost(HOST)["ready"]
    assert host.open_sessions() == 0
    assert list(host.state.tasks()) == []


def test_everything_is_killed(host: Host, patient: Path) -> None:
    task = host.build_arch(host.upload(patient))
    first = host.running(task)
    main = host.main()
    assert main
    for process in (main.pid, first.process):
        os.kill(process, signal.SIGKILL)
    for process in (main.pid, first.process):
        wait_for_end(process)
    host.start()
    second = host.running(task)
    assert first.container not in host.containers(labels.TASK)
    events = host.events(task)
    assert events.count("freed") == 1
    assert events.count("opened") == events.count("started") == 2
    assert "adopted" not in events
    assert second.process != first.process
    records = [record["state"] for record in host.testbed.session.listBuildroots(taskID=task)]
    assert sorted(records) == [koji.BR_STATES["BUILDING"], koji.BR_STATES["EXPIRED"]]
    host.release(second)
    assert host.testbed.wait_task(task).state == "CLOSED", host.testbed.fault(task)
