"""Faults of what the hub has written down of this host."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from koji_adjutant.testbed.content import HOST
from tests.integration.cli.doctor.faults import FAILURE, WARNING, Fault, Ground, Table, assert_found
from tests.waiting import eventually

table = Table()


@contextmanager
def disabled(ground: Ground) -> Iterator[None]:
    ground.testbed.session.disableHost(HOST)
    try:
        yield
    finally:
        ground.testbed.session.enableHost(HOST)


@table.fault("a host that is disabled", check="host.enabled", status=FAILURE, says="disabled", pain=5)
def _(ground: Ground) -> Iterator[None]:
    with disabled(ground):
        yield


@table.fault(
    "a daemon that waits for its host", check="daemon.ready", status=FAILURE, says="Host is disabled", pain=5
)
def _(ground: Ground) -> Iterator[None]:
    state = ground.testbed.layout.state_dir / "readiness.json"
    with disabled(ground):
        eventually(lambda: "disabled" in state.read_text(), "the daemon knows")
        yield
    eventually(lambda: "disabled" not in state.read_text(), "the daemon takes tasks again")


@table.fault("a host without capacity", check="host.enabled", status=FAILURE, says="no capacity", pain=5)
def _(ground: Ground) -> Iterator[None]:
    ground.testbed.session.editHost(HOST, capacity=0.0)
    yield
    ground.testbed.session.editHost(HOST, capacity=8.0)


@table.fault("a host in no channel", check="host.channels", status=FAILURE, says="in no channel", pain=5)
def _(ground: Ground) -> Iterator[None]:
    session = ground.testbed.session
    channels = [channel["name"] for channel in session.listChannels(HOST)]
    for name in channels:
        session.removeHostFromChannel(HOST, name)
    yield
    for name in channels:
        session.addHostToChannel(HOST, name)


@table.fault(
    "a channel that is disabled", check="host.channels", status=WARNING, says="disabled: createrepo", pain=5
)
def _(ground: Ground) -> Iterator[None]:
    ground.testbed.session.disableChannel("createrepo")
    yield
    ground.testbed.session.enableChannel("createrepo")


@table.fault(
    "an architecture that does not run here",
    check="host.arches",
    status=FAILURE,
    says="s390x do not run",
    pain=5,
)
def _(ground: Ground) -> Iterator[None]:
    session = ground.testbed.session
    before = session.getHost(HOST)["arches"]
    session.editHost(HOST, arches=f"{before} s390x")
    yield
    session.editHost(HOST, arches=before)


@table.fault(
    "a task that this host has refused", check="host.refusals", status=WARNING, says="runroot", pain=5
)
def _(ground: Ground) -> Iterator[None]:
    session = ground.testbed.session
    task = session.makeTask("runroot", ["dist-md-build", "x86_64", "true"])
    eventually(
        lambda: session.scheduler.getTaskRefusals([["task_id", "=", task]]), "the host has refused the task"
    )
    yield
    session.cancelTask(task)


@table.fault("no daemon", check="host.last-poll", status=FAILURE, says="no daemon runs", pain=5)
def _(ground: Ground) -> Iterator[None]:
    ground.without_daemon()
    yield


@pytest.mark.parametrize("fault", table.faults, ids=str)
def test_a_fault_is_found(ground: Ground, fault: Fault) -> None:
    assert_found(ground, fault)
