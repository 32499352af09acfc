"""What tasks share on real containers: metadata, solutions and packages of a repo."""

import shutil
from collections import Counter
from pathlib import Path

import pytest

from koji_adjutant.journal.phases import Phase
from koji_adjutant.testbed.content import BUILD_TAG
from koji_adjutant.testbed.tasks import Task
from tests.integration.running import Testbed

pytestmark = pytest.mark.podman

UPLOADS = "cli-build/shared-downloads"
SHARED = ("metadata", "solutions", "packages")


def submit(testbed: Testbed, package: str = "hello") -> int:
    """A buildArch task of its own, in the newest repo."""
    srpm = Path(testbed.srpm(package))
    uploads = testbed.topdir / "work" / UPLOADS
    uploads.mkdir(parents=True, exist_ok=True)
    shutil.copy(srpm, uploads)
    tag = testbed.session.getTag(BUILD_TAG, strict=True)["id"]
    repo = testbed.session.getRepo(BUILD_TAG)["id"]
    arch = testbed.description.arch
    parameters = [f"{UPLOADS}/{srpm.name}", tag, arch, True, {"repo_id": repo}]
    return int(testbed.session.makeTask("buildArch", parameters, arch=arch))


def finished(testbed: Testbed, task_id: int) -> Task:
    task = testbed.wait_task(task_id, timeout=240)
    assert task.state == "CLOSED", testbed.fault(task_id)
    return task


def roles(testbed: Testbed, *tasks: int) -> Counter[str]:
    """What containers the tasks had."""
    created = (event for event in testbed.journal() if event.name == Phase.CONTAINER_CREATED)
    return Counter(event.details["role"] for event in created if event.task in tasks)


def forget(testbed: Testbed) -> None:
    """Nothing is known or fetched, as on a new host; images of buildroots stay."""
    for name in SHARED:
        shutil.rmtree(testbed.config.cache_dir / name, ignore_errors=True)


def metadata_directories(testbed: Testbed) -> list[Path]:
    return [path for path in (testbed.config.cache_dir / "metadata").iterdir() if path.is_dir()]


def test_tasks_that_begin_with_nothing_find_out_once(testbed: Testbed) -> None:
    finished(testbed, submit(testbed))
    forget(testbed)
    tasks = [submit(testbed) for _ in range(2)]
    for task in tasks:
        finished(testbed, task)
    assert roles(testbed, *tasks)["solver"] == 1
    assert len(metadata_directories(testbed)) == 1
    assert list((testbed.config.cache_dir / "partial").iterdir()) == []


def test_a_new_repo_with_the_same_packages_needs_no_solver(testbed: Testbed) -> None:
    # What others have built meanwhile comes with the first of the two repos.
    before = testbed.regenerate()
    finished(testbed, submit(testbed))
    assert testbed.regenerate() > before
    task = submit(testbed)
    finished(testbed, task)
    assert roles(testbed, task)["solver"] == 0
    assert len(metadata_directories(testbed)) == 1
