"""A worker whose image is replaced in the middle of a build by the one of this version, as an operator does it.

A build cannot outlive this: its task process is in the container that goes, and the released version ends its builds
when it is told to stop. So the build is begun again, at once, and that is all that is lost.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import koji
import pytest

from koji_adjutant import __version__
from koji_adjutant.journal.phases import HostEvent
from koji_adjutant.journal.reader import read
from koji_adjutant.testbed.content import HOST, TAG, TARGET
from koji_adjutant.testbed.tasks import Task, family
from tests.integration.restart.running_builds import Host, eventually
from tests.integration.running import Testbed
from tests.integration.workers.image import WorkerImages
from tests.integration.workers.test_two_workers import let_go, rpmbuild_of
from tests.integration.workers.worker import Worker
from tests.pace import slowness

pytestmark = [pytest.mark.podman, pytest.mark.timing]

IMAGE = "localhost/koji-adjutant-worker:upgraded"
"""The name that compose knows, of the one image and then of the other."""
BUILDS_AGAIN_SECONDS = 60.0


@pytest.fixture
def worker(
    testbed: Testbed, worker_images: WorkerImages, worker_image: str, group_socket: None, tmp_path: Path
) -> Iterator[Worker]:
    """One with the released version's image, which is down; the image of this version is there, too."""
    podman = testbed.engine.podman
    released = worker_images.of_the_released_version(tmp_path)
    podman("tag", released, IMAGE)
    directory = tmp_path / "worker"
    directory.mkdir()
    found = Worker(name="worker-upgraded", testbed=testbed, directory=directory, image=IMAGE)
    volumes = Path(podman("info", "--format={{.Store.VolumePath}}").strip())
    # The released version does not find its paths by itself; an option of then goes on meaning what it did.
    paths = {
        "/mnt/koji": str(testbed.topdir),
        "/var/tmp/koji": str(volumes / f"{found.name}_work/_data"),
        "/var/cache/koji-adjutant": str(volumes / "koji-adjutant-cache/_data"),
    }
    pairs = " ".join(f"{ours}:{theirs}" for ours, theirs in paths.items())
    found = replace(found, options={"adjutant_host_mount_map": pairs})
    found.write_files()
    testbed.session.disableHost(HOST)
    try:
        yield found
    finally:
        found.end()
        testbed.session.enableHost(HOST)
        podman("rmi", "--force", released, IMAGE)


def task_in(testbed: Testbed, build: int, method: str) -> Task:
    """The build's task of that method; it has one."""
    tasks = tuple(family(testbed.session, build))
    assert not {"FAILED", "CANCELED"} & {task.state for task in tasks}, testbed.fault(build)
    (found,) = (task for task in tasks if task.method == method)
    return found


def arch_task(testbed: Testbed, build: int) -> int:
    def there() -> bool:
        return any(task.method == "buildArch" for task in family(testbed.session, build))

    eventually(there, f"build {build} has a buildArch task")
    return task_in(testbed, build, "buildArch").id


def test_in_the_middle_of_a_build(worker: Worker, testbed: Testbed, worker_image: str, patient: Path) -> None:
    host, session = Host(testbed=testbed), testbed.session
    host.prune()
    session.packageListAdd(TAG, "patient", session.getLoggedInUser()["name"])
    worker.up()
    before = worker.inspect("{{.Id}}")
    build = session.build(host.upload(patient), TARGET)
    arch = arch_task(testbed, build)
    lost, _ = rpmbuild_of(testbed, arch)

    testbed.engine.podman("tag", worker_image, IMAGE)
    began, named = time.monotonic(), worker.worker
    worker.compose("up", "--detach", "--no-build", "--force-recreate")
    assert worker.inspect("{{.Id}}") != before
    again, _ = rpmbuild_of(testbed, arch)
    seconds = time.monotonic() - began
    assert seconds < BUILDS_AGAIN_SECONDS * slowness()
    assert again != lost
    assert lost not in worker.containers()
    assert worker.worker == named
    reading = read(worker.volume("state") / "journal")
    assert not reading.skipped
    (started,) = (one.details for one in reading.events if one.name == HostEvent.DAEMON_STARTED.value)
    assert (started["version"], started["anew"]) == (__version__, False)

    let_go(testbed, arch)
    ended = testbed.wait_task(build)
    assert ended.state == "CLOSED", testbed.fault(build) + worker.log()
    events = worker.events(arch)
    assert (events.count("opened"), events.count("freed"), events.count("closed")) == (2, 1, 1)
    # Nothing is there twice: one task of each kind, one build with its packages, one tagging.
    methods = sorted(task.method for task in family(session, build))
    assert methods == ["build", "buildArch", "rebuildSRPM", "tagBuild"]
    (made,) = session.listBuilds(taskID=build)
    assert made["state"] == koji.BUILD_STATES["COMPLETE"]
    assert sorted(rpm["arch"] for rpm in session.listBuildRPMs(made["build_id"])) == sorted(
        ["src", testbed.description.arch]
    )
    assert [one["build_id"] for one in session.listTagged(TAG, package="patient")] == [made["build_id"]]
    states = {record["state"] for record in session.listBuildroots(taskID=arch)}
    assert states == {koji.BR_STATES["EXPIRED"]}
    # Nothing is left.
    eventually(lambda: not worker.containers(), "nothing of the build is left")
    assert not list((worker.volume("work") / "tasks").glob("*/*"))
    assert not list((worker.volume("state") / "tasks").glob("*"))
    worker.down()
