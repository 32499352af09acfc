"""Two workers in containers on one engine: what they share, and that nothing else of one is the other's."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from koji_adjutant.container import labels
from koji_adjutant.testbed.tasks import task_of
from tests.integration.restart.running_builds import GO, Host, eventually
from tests.integration.running import Testbed
from tests.integration.workers.worker import Worker

pytestmark = pytest.mark.podman


@contextmanager
def only(worker: Worker, other: Worker) -> Iterator[None]:
    """New tasks are this worker's; the other one goes on with those that it has."""
    session = worker.testbed.session
    session.disableHost(other.name)
    try:
        eventually(worker.is_ready, f"{worker.name} takes tasks")
        yield
    finally:
        session.enableHost(other.name)


def build(worker: Worker, other: Worker, srpm: str | Path) -> int:
    """A buildArch task that `worker` has."""
    host = Host(testbed=worker.testbed)
    with only(worker, other):
        task = host.build_arch(host.upload(Path(srpm)))
        eventually(lambda: worker.host_of(task) == worker.id, f"{worker.name} has task {task}")
    return task


def built(worker: Worker, task: int) -> list[str]:
    """The events of a task that has succeeded."""
    found = worker.testbed.wait_task(task)
    assert found.state == "CLOSED", worker.testbed.fault(task) + worker.log()
    return worker.events(task)


def rpmbuild_of(testbed: Testbed, task: int) -> tuple[str, int]:
    """The container and the process of a build that has begun to write its log."""
    host = Host(testbed=testbed)

    def found() -> tuple[str, int] | None:
        assert task_of(testbed.session, task).state in {"FREE", "ASSIGNED", "OPEN"}, testbed.fault(task)
        container = host.container(task)
        process = host.rpmbuild(container) if container and "line 3\n" in host.build_log(task) else 0
        return (container, process) if process else None

    return eventually(found, f"task {task} runs rpmbuild")


def let_go(testbed: Testbed, task: int) -> None:
    testbed.engine.podman("exec", Host(testbed=testbed).container(task), "touch", GO)


def packages(worker: Worker) -> dict[str, int]:
    """Downloaded packages, and which file each is."""
    files = (worker.volume("cache") / "packages").rglob("*")
    return {str(path): path.stat().st_ino for path in files if path.is_file()}


def test_one_is_killed_while_both_build(
    workers: tuple[Worker, Worker], testbed: Testbed, patient: Path
) -> None:
    one, two = workers
    Host(testbed=testbed).prune()
    one.up()
    two.up()
    assert one.worker != two.worker
    assert f"Our /mnt/koji is the engine's {testbed.topdir}\n" in one.log()

    # Shared: images, and what is downloaded, solved and known of tags.
    built(one, build(one, two, testbed.srpm("needsdeps")))
    requests = one.volume("cache") / "image-requests"
    eventually(lambda: not list(requests.glob("*.json")), "the image is made")
    downloads = packages(one)
    assert downloads
    events = built(two, build(two, one, testbed.srpm("needsdeps")))
    assert "image-ready" in events
    assert packages(two) == downloads
    with only(two, one):
        testbed.regenerate()
    assert (two.volume("cache") / "tag-policies.json").exists()

    first, second = build(one, two, patient), build(two, one, patient)
    lost, _ = rpmbuild_of(testbed, first)
    kept, process = rpmbuild_of(testbed, second)
    assert one.containers() != two.containers()

    testbed.engine.podman("kill", one.container)
    eventually(lambda: one.state == "exited", "the first worker is gone")
    assert rpmbuild_of(testbed, second) == (kept, process)
    let_go(testbed, second)
    assert built(two, second).count("started") == 1
    two.down()
    # What the other one has left is not touched, also not by an end.
    assert any(lost.startswith(container) or container.startswith(lost) for container in one.containers())

    # A new container of the first worker, as an upgrade of the image makes one.
    testbed.engine.podman("rm", one.container)
    one.up()
    eventually(lambda: lost not in Host(testbed=testbed).containers(labels.TASK), "the lost one is removed")
    again, _ = rpmbuild_of(testbed, first)
    assert again != lost
    let_go(testbed, first)
    events = built(one, first)
    assert events.count("freed") == 1
    assert events.count("opened") == 2
    eventually(lambda: not one.containers(), "nothing of the task is left")
    one.down()
    for worker in (one, two):
        assert not testbed.engine.podman(
            "ps", "--all", "--quiet", f"--filter=label={labels.WORKER}={worker.worker}"
        )
