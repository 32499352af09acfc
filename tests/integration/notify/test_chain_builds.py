"""Chains of builds from git: each level is built with what the levels before it have built, and told by mail."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import koji
import pytest

from koji_adjutant.testbed.content import TAG, TARGET
from koji_adjutant.testbed.tasks import family
from tests.integration.running import Testbed
from tests.mail_server import MailServer
from tests.scm.git_repository import git_repository
from tests.scm.http import web_server
from tests.scm.packages import spec
from tests.waiting import eventually

pytestmark = pytest.mark.podman

NEEDS = {
    "chain-a": (),
    "chain-b": ("chain-a",),
    "chain-c": ("chain-a", "chain-b"),
    "chain-bad": ("chain-none",),
}
SECONDS = 300.0


@pytest.fixture(scope="module")
def urls(testbed: Testbed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """The commits of the packages, by name; the tag takes them."""
    root = tmp_path_factory.mktemp("chain")
    host = testbed.description.topurl.split("/")[2].split(":")[0]
    with web_server(root, host) as server:
        found = {}
        for name, needs in NEEDS.items():
            lines = "".join(f"BuildRequires: {each}\n" for each in needs)
            commit = git_repository(root / "git" / name).commit({f"{name}.spec": spec(name, lines)})
            found[name] = f"git+http://{server.address}/git/{name}#{commit}"
            testbed.session.packageListAdd(TAG, name, testbed.session.getLoggedInUser()["name"])
        yield found


def chain(testbed: Testbed, *words: str) -> int:
    """`koji chain-build`; its task."""
    done = testbed.koji("chain-build", "--nowait", TARGET, *words)
    assert done.returncode == 0, done.stdout
    return next(
        int(line.split()[-1]) for line in done.stdout.splitlines() if line.startswith("Created task:")
    )


def components(testbed: Testbed, build: str) -> Sequence[str]:
    """What the root of a build's only buildArch has of the chain's packages."""
    task = testbed.session.getBuild(build)["task_id"]
    (arch,) = [
        child["id"] for child in testbed.session.getTaskChildren(task) if child["method"] == "buildArch"
    ]
    (root,) = testbed.session.listBuildroots(taskID=arch)
    listed = testbed.koji("list-buildroot", str(root["id"])).stdout.splitlines()
    return sorted(line.split()[0] for line in listed if line.startswith("chain-"))


def test_three_packages_that_need_each_other(
    testbed: Testbed, mails: MailServer, urls: Mapping[str, str]
) -> None:
    before = len(mails.received)
    a, b, c = (urls[name] for name in ("chain-a", "chain-b", "chain-c"))
    task = chain(testbed, a, ":", b, ":", c)
    done = testbed.wait_task(task, timeout=SECONDS)
    assert done.state == "CLOSED", testbed.fault(task)
    children = testbed.session.getTaskChildren(task)
    assert [(child["method"], child["label"]) for child in children] == [
        ("build", "build 0,0"),
        ("waitrepo", "wait 1"),
        ("build", "build 1,0"),
        ("waitrepo", "wait 2"),
        ("build", "build 2,0"),
    ]
    assert {child.state for child in family(testbed.session, task)} == {"CLOSED"}
    builds = ["chain-a-1-1", "chain-b-1-1", "chain-c-1-1"]
    assert {build["nvr"] for build in testbed.session.listTagged(TAG)} >= set(builds)
    assert components(testbed, "chain-b-1-1") == ["chain-a-1-1.noarch"]
    assert components(testbed, "chain-c-1-1") == ["chain-a-1-1.noarch", "chain-b-1-1.noarch"]
    assert [testbed.session.getBuild(build)["source"] for build in builds] == [a, b, c]
    expected = {f"Package: {build} Tag: {TAG} Status: complete" for build in builds}
    eventually(lambda: subjects(mails, before) == expected, f"mails of {expected}")


def subjects(mails: MailServer, first: int) -> set[str]:
    return {mail.message["Subject"].partition(" Built by")[0] for mail in mails.received[first:]}


def test_a_level_that_fails_is_the_last(testbed: Testbed, urls: Mapping[str, str]) -> None:
    """Builds that there are may stand in a level as well."""
    task = chain(testbed, "chain-a-1-1", ":", urls["chain-bad"], ":", urls["chain-c"])
    assert testbed.wait_task(task, timeout=SECONDS).state == "FAILED"
    assert "chain-none" in testbed.fault(task)
    methods = [child["method"] for child in testbed.session.getTaskChildren(task)]
    assert methods == ["waitrepo", "build"]


@pytest.mark.parametrize("options", [{"wait_builds": ["chain-b-1-1"]}, {"wait_repo": True}], ids=str)
def test_a_build_waits_for_a_repo(testbed: Testbed, urls: Mapping[str, str], options: dict[str, Any]) -> None:
    """A repo with other builds, or one of this moment: where there is none yet, a subtask waits for it."""
    testbed.session.editTag2(
        testbed.session.getBuildTarget(TARGET)["build_tag"], extra={"changed": str(options)}
    )
    event = testbed.session.getLastEvent()["id"]
    task = testbed.session.build(urls["chain-c"], TARGET, {"scratch": True, **options})
    assert testbed.wait_task(task, timeout=SECONDS).state == "CLOSED", testbed.fault(task)
    children = {child["method"]: child for child in testbed.session.getTaskChildren(task, request=True)}
    repo = testbed.session.repoInfo(children["buildSRPMFromSCM"]["request"][2]["repo_id"])
    if "wait_repo" in options:
        assert repo["create_event"] >= event
        assert children["waitrepo"]["state"] == koji.TASK_STATES["CLOSED"]
    tagged = testbed.session.listTagged("dist-md-build", event=repo["create_event"], inherit=True)
    assert "chain-b-1-1" in {build["nvr"] for build in tagged}
