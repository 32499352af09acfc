"""The limits of a task on a real engine: each is in force, and the one that was hit is named."""

import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerSpec
from koji_adjutant.container.labels import Owner, Role
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.errors import BuildFailed
from koji_adjutant.policy.containers import TaskLimits
from koji_adjutant.testbed.engine.service import Engine
from tests.contract.containers import IMAGE, PATH, Output, shell
from tests.contract.python_image import import_python
from tests.fakes.containers import running
from tests.fakes.guards import Limited
from tests.waiting import lasts

pytestmark = [pytest.mark.podman, pytest.mark.usefixtures("contract_image")]

OWNER = Owner(worker="contract", task_id=1)
COUNTING_IMAGE = "localhost/counting:1"
MEBI = 1 << 20


@pytest.fixture(scope="module")
def counting_image(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What of a task image the disk watch needs."""
    import_python(
        engine, tmp_path_factory.mktemp("counting") / "root.tar", COUNTING_IMAGE, programs=("find",)
    )
    return COUNTING_IMAGE


@dataclass
class Created:
    """The labels of containers that were created."""

    labels: list[Mapping[str, str]] = field(default_factory=list)

    def container_created(self, container: str, labels: Mapping[str, str]) -> None:
        self.labels.append(labels)

    def container_goes(self, container: str) -> None:
        return

    def container_removed(self, container: str) -> None:
        """All go."""


def spec(role: Role = Role.BUILD) -> ContainerSpec:
    return ContainerSpec(
        image=IMAGE,
        command=("/bin/sleep", "infinity"),
        labels=OWNER.labels(role),
        environment=PATH,
        user="1000:1000",
    )


@pytest.mark.limits
def test_limits_that_are_asked_for_are_kept(manager: PodmanManager) -> None:
    """By this engine: or no task that is limited would run."""
    asked = dict.fromkeys(("memory", "cpus", "pids"), "limits of the builder")
    limits = TaskLimits(memory=64 * MEBI, cpus=0.5, pids=40, origins=asked)
    with Limited(manager, limits, task_image=COUNTING_IMAGE).created(spec()) as container:
        assert manager.inspect(container)


def trial(manager: PodmanManager, limits: TaskLimits, script: str) -> str:
    """What a build is told whose script fails under these limits."""
    one = Limited(manager, limits, task_image=COUNTING_IMAGE)
    with pytest.raises(BuildFailed) as caught, one.diagnosed(), running(one, spec()) as container:
        code = one.exec(container, shell(script), Output())
        assert code
        raise BuildFailed("it failed")
    assert not manager.find(OWNER.labels(Role.BUILD))
    assert not manager.find({labels.WORKER: OWNER.worker, labels.ROLE: Role.TOOL.value})
    return str(caught.value)


@pytest.mark.limits
def test_memory(manager: PodmanManager) -> None:
    # dd has a buffer of this size, and fills it.
    said = trial(manager, TaskLimits(memory=64 * MEBI), "dd if=/dev/zero of=/dev/null bs=200M count=1; false")
    assert "the kernel killed 1 of its processes for want of memory; the limit memory is 64 MiB" in said


@pytest.mark.limits
def test_memory_of_a_single_process(manager: PodmanManager) -> None:
    one = Limited(manager, TaskLimits(memory=64 * MEBI), task_image=COUNTING_IMAGE)
    hungry = ("/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=200M", "count=1")
    wanted = ContainerSpec(image=IMAGE, command=hungry, labels=OWNER.labels(Role.TOOL), environment=PATH)
    with pytest.raises(BuildFailed, match=r"tool container was killed.*limit is 64 MiB"), one.diagnosed():
        assert one.run(wanted, Output()) == 137
        raise BuildFailed("it failed")


@pytest.mark.limits
def test_processes(manager: PodmanManager) -> None:
    said = trial(
        manager, TaskLimits(pids=30), "for i in $(seq 60); do sleep 2 & done 2>/dev/null; wait; false"
    )
    assert "the limit pids is 30: raise pids in limits of the builder" in said


@pytest.mark.limits
def test_processes_that_stay(manager: PodmanManager) -> None:
    script = "exec 2>/dev/null; (for i in $(seq 60); do sleep 600 & done) & sleep 3; exit 4"
    said = trial(manager, TaskLimits(pids=30), script)
    # The script's own end makes room for a process or two: what looks may be one of them.
    assert "; the limit pids is 30: raise pids in limits of the builder" in said
    assert "no other process can be started in its container" in said or "could not start a process" in said


@pytest.mark.limits
def test_cpus(manager: PodmanManager) -> None:
    """The scheduler's own count of how often it held the container back."""
    one = Limited(manager, TaskLimits(cpus=0.2), task_image=COUNTING_IMAGE)
    output = Output()
    script = (
        "i=0; while ((i < 200000)); do ((i++)); done\n"
        "cat /sys/fs/cgroup/cpu.stat /sys/fs/cgroup/cpu/cpu.stat 2>/dev/null; true"
    )
    with running(one, spec()) as container:
        assert one.exec(container, ("/bin/bash", "-c", script), output) == 0
    found = dict(line.split() for line in output.stdout.decode().splitlines())
    assert int(found["nr_throttled"]) > 0


@pytest.mark.usefixtures("counting_image")
@pytest.mark.parametrize(
    ("limits", "script", "said"),
    [
        (
            TaskLimits(build_disk=30 * MEBI),
            "cd /work; i=0; while :; do dd if=/dev/zero of=$((++i)) bs=1M count=1; sleep 0.05; done 2>/dev/null",
            "to its disk; the limit build_disk is 30 MiB: raise build_disk in limits of the builder",
        ),
        (
            TaskLimits(build_inodes=500),
            "cd /work; i=0; while ((i < 100000)); do : >$((i++)); done; sleep 600",
            "files; the limit build_inodes is 500: raise build_inodes in limits of the builder",
        ),
        (
            TaskLimits(build_inodes=200),
            "cd /work; for i in $(seq 1000); do mkdir d; cd d; done 2>/dev/null; sleep 600",
            "files; the limit build_inodes is 200",
        ),
    ],
    ids=["bytes", "inodes", "a path longer than any path may be"],
)
def test_disk(manager: PodmanManager, limits: TaskLimits, script: str, said: str) -> None:
    began = time.monotonic()
    assert said in trial(manager, limits, script)
    assert time.monotonic() - began < 30


@pytest.mark.usefixtures("counting_image")
def test_what_was_installed_does_not_count_and_what_is_linked_counts_once(manager: PodmanManager) -> None:
    """20 MB under five names, written before an installation ends, and 20 MB more: within 30 MB."""
    one = Limited(manager, TaskLimits(build_disk=30 * MEBI), task_image=COUNTING_IMAGE)
    write = "cd /work; dd if=/dev/zero of={0} bs=1M count=20 2>/dev/null; for i in 1 2 3 4; do ln {0} {0}.$i; done"
    installation = replace(spec(Role.INSTALLER), command=("/bin/true",))
    with one.diagnosed(), running(one, spec()) as container:
        assert manager.exec(container, shell(write.format("before")), Output()) == 0
        assert one.run(installation, Output()) == 0
        lasts(lambda: is_running(manager, container), "the build", seconds=3)
        assert manager.exec(container, shell(write.format("after")), Output()) == 0
        lasts(lambda: is_running(manager, container), "the build", seconds=3)


def is_running(manager: PodmanManager, container: str) -> bool:
    found = manager.inspect(container)
    return found is not None and found.state == "running"


@pytest.mark.usefixtures("counting_image")
def test_a_short_build_is_not_counted_at_all(manager: PodmanManager) -> None:
    observer = Created()
    manager.observe(observer)
    one = Limited(manager, TaskLimits(build_disk=30 * MEBI), task_image=COUNTING_IMAGE)
    with running(one, spec()) as container:
        assert manager.exec(container, shell("echo"), Output()) == 0
    assert [found[labels.ROLE] for found in observer.labels] == [Role.BUILD.value]


def test_a_quota_is_asked_for_and_done_without_where_there_is_none(
    manager: PodmanManager, engine: Engine
) -> None:
    one = Limited(manager, TaskLimits(build_disk=MEBI), task_image=COUNTING_IMAGE)
    storage = engine.layout.storage
    kind = subprocess.run(
        ["stat", "--file-system", "--format=%T", storage], capture_output=True, text=True, check=True
    )
    assert kind.stdout.strip() != "xfs", "this test needs an engine without quotas"
    with one.created(spec()) as container:
        found = manager.inspect(container)
        assert found is not None
        assert found.upper_dir.startswith(str(storage))
