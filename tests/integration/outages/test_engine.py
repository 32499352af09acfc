"""The engine goes away, hangs, loses its monitors and its images; containers are ended by others.

The package is never told that it has failed: its task goes on, or is begun anew, and ends well.
"""

import json
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from koji_adjutant.container import labels
from koji_adjutant.testbed.content import HOST
from koji_adjutant.testbed.engine.processes import Process, command_line, engine_tools
from koji_adjutant.testbed.engine.rootless import remove_tree
from koji_adjutant.testbed.tasks import task_of
from tests.contract.containers import kill_service
from tests.integration.restart.running_builds import Host, Running, eventually
from tests.waiting import lasts

pytestmark = pytest.mark.podman

HUNG_SECONDS = 4.0


@pytest.fixture
def running(host: Host, patient: str) -> Running:
    """A build in `%build`."""
    return host.running(host.build_arch(patient))


def is_ready(host: Host) -> bool:
    return bool(host.testbed.session.getHost(HOST)["ready"])


def freed(host: Host, task: int) -> int:
    return host.events(task).count("freed")


def closes(host: Host, running: Running) -> None:
    """It is let go on, and ends well, with a whole log."""
    host.release(running)
    task = host.testbed.wait_task(running.root.id)
    assert task.state == "CLOSED", host.testbed.fault(task.id)
    log = host.build_log(task.id).splitlines()
    lines = [line for line in log if line.startswith("line ")]
    assert lines == [f"line {number}" for number in range(1, len(lines) + 1)]
    assert f"lines {len(lines)}" in log


def begins_anew(host: Host, before: Running) -> Running:
    """The task is given back and comes again; nothing is left of its first run by then."""
    eventually(lambda: freed(host, before.task.id) == 1, "the task is given back")
    mine = (f"{labels.TASK}={before.task.id}", f"{labels.ROLE}={labels.Role.BUILD}")

    def is_building() -> bool:
        found = host.containers(*mine)
        return bool(found) and found != [before.container] and "rpmbuild-started" in last_run(host, before)

    eventually(is_building, "it builds again")
    (container,) = host.containers(*mine)
    return replace(before, container=container, rpmbuild=0)


def last_run(host: Host, running: Running) -> list[str]:
    events = host.events(running.task.id)
    return events[len(events) - events[::-1].index("opened") :]


def test_it_dies_in_the_middle_of_a_command(host: Host, running: Running) -> None:
    kill_service(host.testbed.engine)
    try:
        eventually(lambda: not is_ready(host), "the host is not ready")
        eventually(lambda: freed(host, running.task.id) == 1, "the task is given back")
        assert "Not ready for task: cannot reach the engine: the podman service at" in host.log
        # Its command runs on, where nobody hears it.
        assert Path(f"/proc/{running.rpmbuild}").exists()
    finally:
        # For all tests that follow.
        host.testbed.engine.serve()
    closes(host, begins_anew(host, running))
    assert not Path(f"/proc/{running.rpmbuild}").exists()
    assert is_ready(host)


@pytest.mark.timing
def test_it_hangs_and_a_build_goes_on(host: Host, running: Running) -> None:
    service = host.testbed.engine.answering()
    assert service
    os.kill(service.pid, signal.SIGSTOP)
    try:
        lasts(Path(f"/proc/{running.rpmbuild}").exists, "its rpmbuild", seconds=HUNG_SECONDS)
        seen = host.testbed.session.getLastHostUpdate(host.testbed.session.getHost(HOST)["id"], ts=True)
        assert time.time() - seen < HUNG_SECONDS
    finally:
        os.kill(service.pid, signal.SIGCONT)
    closes(host, running)
    assert freed(host, running.task.id) == 0


@pytest.mark.parametrize("command", [("kill",), ("rm", "--force", "--time=0")])
def test_a_container_is_ended_by_somebody(host: Host, running: Running, command: tuple[str, ...]) -> None:
    host.testbed.engine.podman(*command, running.container)
    closes(host, begins_anew(host, running))
    assert "while the task worked in it" in host.log


def monitors(container: str) -> list[Process]:
    return sorted(engine_tools(container), key=lambda one: one.started)


def test_the_monitor_of_a_command_is_killed(host: Host, running: Running) -> None:
    *_, last = (one for one in monitors(running.container) if "--exec-attach" in command_line(one.pid))
    os.kill(last.pid, signal.SIGKILL)
    closes(host, begins_anew(host, running))


def test_the_monitor_of_a_container_is_killed(host: Host, running: Running) -> None:
    (first, *_) = monitors(running.container)
    assert "--exec-attach" not in command_line(first.pid)
    os.kill(first.pid, signal.SIGKILL)
    closes(host, running)
    eventually(lambda: not host.containers(f"{labels.TASK}={running.task.id}"), "the container goes")


def layer_of(host: Host, running: Running, name: str) -> Path:
    """Where the engine keeps the layer with that file of the image that a build runs in."""
    engine = host.testbed.engine
    image = engine.podman("inspect", "--format={{.Image}}", running.container).strip()
    data = json.loads(engine.podman("image", "inspect", image))[0]["GraphDriver"]["Data"]
    layers = [Path(layer) for layer in (data["UpperDir"], *data["LowerDir"].split(":"))]
    return next(layer for layer in layers if (layer / name).exists())


def ends(host: Host, running: Running) -> None:
    closes(host, running)
    eventually(lambda: not host.state.find(running.task.id), "it has ended")


def test_an_image_is_damaged(host: Host, patient: str, running: Running) -> None:
    layer = layer_of(host, running, "usr/bin/bash")
    ends(host, running)
    remove_tree(layer.parent, host.testbed.engine.environment)
    seen = len(host.log)
    again = host.running(host.build_arch(patient))
    assert "is thrown away" in host.log[seen:]
    ends(host, again)
    assert freed(host, again.task.id) == 0
    task = task_of(host.testbed.session, again.task.id)
    assert task.state == "CLOSED"
