"""A clock that is set, an hour on and an hour back, under a daemon that runs: only its own processes see it.

Nothing that lives is swept, no limit of time is over before its time, and nothing waits for the hour to come back.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from koji_adjutant.container import labels
from koji_adjutant.testbed.content import HOST
from tests.faults.clock import HOUR, Clock, clock_below
from tests.integration.restart.running_builds import Host, Running, eventually

pytestmark = pytest.mark.podman


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    """One that can be set, and is right until then."""
    made = clock_below(tmp_path)
    made.set(HOUR)
    assert abs(made.reads() - time.time() - HOUR) < 60
    made.set(0)
    return made


@pytest.fixture
def faked(host: Host, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """The daemon by that clock."""
    host.terminate()
    with monkeypatch.context() as patch:
        for name, value in clock.environment.items():
            patch.setenv(name, value)
        host.start()
    yield host
    host.terminate()
    host.start()


def reported(host: Host) -> float:
    session = host.testbed.session
    return float(session.getLastHostUpdate(session.getHost(HOST)["id"], ts=True))


def reports(host: Host) -> None:
    """It goes on to report, so it waits for nothing."""
    before = reported(host)
    eventually(lambda: reported(host) > before, "the host reports")


def sweep(host: Host) -> None:
    """The daemon looks for what nobody owns: it does so soon after it has started anew."""
    leftover = host.testbed.engine.podman(
        "create",
        f"--label={labels.WORKER}={host.state.worker()}",
        f"--label={labels.TASK}=4711",
        host.testbed.description.task_image,
        "true",
    )
    host.reload()
    eventually(lambda: leftover.strip()[:12] not in host.containers(), "the sweep")


def test_a_clock_that_is_set_under_a_build(faked: Host, clock: Clock, patient: str) -> None:
    running = faked.running(faked.build_arch(patient))
    for seconds in (HOUR, -HOUR):
        clock.set(seconds)
        reports(faked)
        sweep(faked)
        assert faked.containers(f"{labels.TASK}={running.task.id}") == [running.container]
        assert faked.rpmbuild(running.container) == running.rpmbuild
    finish(faked, running)
    clock.set(0)
    finish(faked, faked.running(faked.build_arch(patient)))


def finish(host: Host, running: Running) -> None:
    host.release(running)
    task = host.testbed.wait_task(running.root.id)
    assert task.state == "CLOSED", host.testbed.fault(task.id)
    lines = [line for line in host.build_log(task.id).splitlines() if line.startswith("line ")]
    assert lines == [f"line {number}" for number in range(1, len(lines) + 1)], host.build_log(task.id)
    assert not {"freed", "canceled"} & set(host.events(task.id))
