"""The hub does what it is asked, and the answer is lost: each call of a task once. Nothing is done twice."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import koji
import pytest

from koji_adjutant.testbed.content import BUILD_TAG, TAG, TARGET
from koji_adjutant.testbed.tasks import Task, family
from tests.faults.hub_proxy import HubProxy
from tests.integration.packages import source_package
from tests.integration.restart.running_builds import Host, eventually
from tests.integration.running import Testbed

pytestmark = pytest.mark.podman

TASK = ("host.closeTask",)
ROOT = ("host.newBuildRoot", "host.setBuildRootList", "host.setBuildRootState", "host.updateBuildRootList")
PARENT = ("host.subtask", "host.taskSetWait", "host.taskWait", "host.taskWaitResults")
BUILD = (*TASK, *ROOT, *PARENT, "repo.request", "rawUpload", "host.initBuild", "host.completeBuild")
FAILING = ("host.newBuildRoot", "host.setTaskWeight", "host.failTask", "host.failBuild")
SCRATCH = (*TASK, "host.moveBuildToScratch", "checkUpload")
TAGGING = ("host.tagBuild", "host.tagNotification", "getTag")
REPO = (*TASK, *PARENT, "host.openTask", "subsession", "host.repoInit", "host.repoDone", "repoInfo")


@pytest.fixture(scope="module", autouse=True)
def _packages(testbed: Testbed) -> None:
    owner = testbed.session.getLoggedInUser()["name"]
    for name in ("lost-good", "lost-bad"):
        testbed.session.packageListAdd(TAG, name, owner)


@pytest.fixture
def lost(proxy: HubProxy, request: pytest.FixtureRequest) -> Iterator[None]:
    """The first answer to each of the methods that the test names; in the end, all of them were."""
    with ExitStack() as stack:
        faults = {method: stack.enter_context(proxy.drop_answer(method)) for method in request.param}
        yield
        assert {method: fault.done() for method, fault in faults.items()} == dict.fromkeys(faults, 1)


def submit(testbed: Testbed, directory: Path, name: str, build: str, **opts: Any) -> tuple[Task, ...]:
    made = source_package(directory, name, build=build)
    arguments = (made.read_bytes(), 0, "cli-build/lost", made.name)
    testbed.session._callMethod("rawUpload", arguments, {"overwrite": True})
    root = testbed.session.build(f"cli-build/lost/{made.name}", TARGET, opts)
    testbed.wait_task(root)
    return tuple(family(testbed.session, root))


def is_gone(host: Host, task: int) -> bool:
    return host.state.find(task) is None


def check_once(host: Host, tasks: tuple[Task, ...]) -> None:
    """Every task was opened, started and ended once, has one buildroot record at most, and that is expired."""
    for task in tasks:
        events = Counter(host.events(task.id))
        assert [events[name] for name in ("opened", "started", task.state.lower())] == [1, 1, 1], events
        assert not events["freed"]
        eventually(partial(is_gone, host, task.id), "its process has ended")
        records = host.testbed.session.listBuildroots(taskID=task.id)
        expected = [koji.BR_STATES["EXPIRED"]] if task.method in ("buildArch", "rebuildSRPM") else []
        assert [record["state"] for record in records] == expected
    assert [task.method for task in tasks] == list(dict.fromkeys(task.method for task in tasks))


@pytest.mark.parametrize("lost", [(*BUILD, *TAGGING)], indirect=True)
def test_a_build(host: Host, lost: None, tmp_path: Path) -> None:
    testbed = host.testbed
    tasks = submit(testbed, tmp_path, "lost-good", "true")
    assert {task.state for task in tasks} == {"CLOSED"}, [testbed.fault(task.id) for task in tasks]
    assert [task.method for task in tasks] == ["build", "rebuildSRPM", "buildArch", "tagBuild"]
    check_once(host, tasks)
    (build,) = testbed.session.listBuilds(taskID=tasks[0].id)
    assert (build["state"], build["nvr"]) == (koji.BUILD_STATES["COMPLETE"], "lost-good-1-1")
    assert [tag["name"] for tag in testbed.session.listTags(build=build["build_id"])] == [TAG]


@pytest.mark.parametrize("lost", [FAILING], indirect=True)
def test_a_build_that_fails(host: Host, lost: None, tmp_path: Path) -> None:
    testbed = host.testbed
    tasks = submit(testbed, tmp_path, "lost-bad", "false")
    assert [task.state for task in tasks] == ["FAILED", "CLOSED", "FAILED"]
    assert "error building package" in testbed.fault(tasks[0].id)
    check_once(host, tasks)
    (build,) = testbed.session.listBuilds(taskID=tasks[0].id)
    assert build["state"] == koji.BUILD_STATES["FAILED"]


@pytest.mark.parametrize("lost", [SCRATCH], indirect=True)
def test_a_scratch_build(host: Host, lost: None, tmp_path: Path) -> None:
    tasks = submit(host.testbed, tmp_path, "lost-good", "true", scratch=True)
    assert {task.state for task in tasks} == {"CLOSED"}, [host.testbed.fault(task.id) for task in tasks]
    check_once(host, tasks)


@pytest.mark.parametrize("lost", [REPO], indirect=True)
def test_a_repo(host: Host, lost: None) -> None:
    testbed = host.testbed
    root = testbed.session.newRepo(BUILD_TAG)
    testbed.wait_task(root)
    tasks = tuple(family(testbed.session, root))
    assert {task.state for task in tasks} == {"CLOSED"}, [testbed.fault(task.id) for task in tasks]
    check_once(host, tasks)
    repo, _ = testbed.session.getTaskResult(root)
    assert testbed.session.repoInfo(repo)["state"] == koji.REPO_READY
    assert (
        testbed.topdir / f"repos/{BUILD_TAG}/{repo}/{testbed.description.arch}/repodata/repomd.xml"
    ).exists()
    assert testbed.session.getRepo(BUILD_TAG, state=koji.REPO_INIT) is None
