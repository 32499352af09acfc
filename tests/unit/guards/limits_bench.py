"""What the tests of limits share: limits, specs, and an engine in memory that knows the scripts of both watches."""

import pytest

from koji_adjutant.container.interface import ContainerSpec, ResourceLimits
from koji_adjutant.container.labels import Owner, Role
from koji_adjutant.guards.disk_watch import SCRIPT as MEASURE_SCRIPT
from koji_adjutant.guards.disk_watch import DiskWatch, watch_spec
from koji_adjutant.guards.limited import SCRIPT
from koji_adjutant.policy.containers import TaskLimits
from tests.fakes.containers import CommandResult, FakeContainerManager
from tests.fakes.guards import Limited

OWNER = Owner(worker="tests", task_id=7)
LIMITS = TaskLimits(
    memory=64 << 20,
    cpus=1.5,
    pids=40,
    build_disk=1000,
    build_inodes=10,
    origins={"memory": "limits_buildarch of the builder", "build_disk": "adjutant.limits of tag dist"},
)
EXAMINE = ("/bin/bash", "-c", SCRIPT.read_text())
MEASURE = ("/usr/bin/python3", "-c", MEASURE_SCRIPT.read_text())


def spec(role: Role, *command: str) -> ContainerSpec:
    return ContainerSpec(
        image="image:1",
        command=command or ("/bin/sleep", "infinity"),
        labels=OWNER.labels(role),
        limits=ResourceLimits(shm_bytes=9),
    )


@pytest.fixture
def inner() -> FakeContainerManager:
    manager = FakeContainerManager({MEASURE: CommandResult(endless=True), EXAMINE: CommandResult()})
    for image in ("image:1", "task:1"):
        manager.add_image(image)
    return manager


def limited(inner: FakeContainerManager, limits: TaskLimits = LIMITS) -> Limited:
    return Limited(inner, limits)


def watch(inner: FakeContainerManager, stopped: list[str], limits: TaskLimits = LIMITS) -> DiskWatch:
    """One that never begins: it is told what was counted."""
    return DiskWatch(
        containers=inner,
        limits=limits,
        container="c",
        spec=lambda upper: watch_spec(image="task:1", upper=upper, labels={}, limits=limits),
        on_full=lambda: stopped.append("c"),
    )
