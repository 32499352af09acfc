"""Faults around the daemon itself."""

from collections.abc import Iterator

import pytest

from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerSpec
from koji_adjutant.container.labels import Owner, Role
from koji_adjutant.container.podman_manager import PodmanManager
from tests.integration.cli.doctor.faults import FAILURE, WARNING, Fault, Ground, Table, assert_found
from tests.integration.cli.doctor.stand_ins import another_kojid, lock_holder

table = Table()


@table.fault(
    "no daemon, where one was never started",
    check="daemon.ready",
    status=FAILURE,
    says="daemon does not run",
    pain=5,
)
def _(ground: Ground) -> Iterator[None]:
    ground.without_daemon()
    yield


@table.fault("a state directory that all may read", check="daemon.state", status=FAILURE, says="0755")
def _(ground: Ground) -> Iterator[None]:
    (ground.directory / "state").mkdir()
    (ground.directory / "state").chmod(0o755)
    ground.without_daemon()
    yield


@table.fault(
    "a state directory that is another process'", check="daemon.state", status=FAILURE, says="has the lock"
)
def _(ground: Ground) -> Iterator[None]:
    (ground.directory / "state").mkdir(mode=0o700)
    ground.without_daemon()
    with lock_holder(ground.directory / "state" / "lock"):
        yield


@table.fault(
    "the old kojid, which still runs", check="daemon.second", status=FAILURE, says="kojid-old.conf", pain=2
)
def _(ground: Ground) -> Iterator[None]:
    old = ground.directory / "kojid-old.conf"
    old.write_text(f"[kojid]\nserver = {ground.testbed.description.server}\nuser = builder\n")
    with another_kojid(ground.directory, old):
        yield


@table.fault(
    "a container that a dead task has left",
    check="daemon.leftovers",
    status=WARNING,
    says="999999999",
    pain=3,
)
def _(ground: Ground) -> Iterator[None]:
    manager = PodmanManager(ground.testbed.engine.socket, ground.testbed.config.container_timeouts)
    worker = (ground.testbed.layout.state_dir / "worker").read_text().strip()
    owner = Owner(worker=worker, task_id=999999999)
    spec = ContainerSpec(
        image=ground.testbed.description.task_image,
        command=("/bin/true",),
        labels={**owner.labels(Role.BUILD), labels.TAG: "doctor"},
    )
    with manager.created(spec):
        yield
    manager.close()


@pytest.mark.parametrize("fault", table.faults, ids=str)
def test_a_fault_is_found(ground: Ground, fault: Fault) -> None:
    assert_found(ground, fault)
