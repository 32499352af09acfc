"""What is asked wrongly ends in one clear error, with its logs at the hub and nothing left running."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import koji
import pytest

from koji_adjutant.testbed.content import BUILD_TAG, TAG, TARGET
from koji_adjutant.testbed.tasks import Task
from tests.hubs import HOST, Hub
from tests.integration.cli.doctor.stand_ins import engine_that_says
from tests.integration.daemon.kojid_process import Kojid
from tests.integration.packages import source_package
from tests.integration.running import Build, Testbed
from tests.waiting import PATIENCE, eventually

ENGINE: dict[str, object] = {"/_ping": "OK"}
NO_IMAGE = "127.0.0.1:1/no/image:1"
BROKEN = "dist-md-broken"


@pytest.fixture
def kojid(hub: Hub, tmp_path: Path) -> Kojid:
    """A daemon that never gets as far as its engine."""
    return Kojid(hub=hub, directory=tmp_path, socket=str(tmp_path / "none.sock"))


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ({"nonsense": "1"}, 2, ("kojid.conf", "nonsense", "unknown")),
        ({"maxjobs": "many"}, 2, ("kojid.conf", "maxjobs", "many")),
        (
            {"adjutant_registry_auth_file": "/no/such/file"},
            2,
            ("registry_auth_file", "/no/such/file", "No such file"),
        ),
        ({"server": "http://127.0.0.1:1/kojihub", "max_retries": "1"}, 1, ("127.0.0.1:1",)),
        ({"password": "wrong-password"}, 1, ("refuses user builder", "check user and password")),
    ],
)
def test_a_daemon_that_cannot_start(
    kojid: Kojid, options: dict[str, str], code: int, words: tuple[str, ...]
) -> None:
    assert kojid.start(**options).wait(PATIENCE) == code
    (error,) = [line for line in kojid.log.read_text().splitlines() if line.startswith("kojid: error: ")]
    assert [word for word in words if word not in error] == []
    assert "wrong-password" not in kojid.log.read_text()


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"/containers": []}, ("is no podman (docker's socket?)", "set podman_socket")),
        (ENGINE | {"/info": {"version": {"Version": "3.4.4"}}}, ("3.4.4: too old", "install podman 4.3")),
        (
            ENGINE | {"/info": {"version": {"Version": "7.0.0"}}},
            ("7.0.0, and nobody", "install podman 4.3 to 5"),
        ),
    ],
    ids=["docker", "too old", "unknown"],
)
def test_an_engine_that_is_not_worked_with(
    kojid: Kojid, answers: dict[str, object], words: tuple[str, ...]
) -> None:
    """The host takes no tasks, says why once, and has that engine make no container."""
    with engine_that_says(Path(kojid.socket), answers) as asked, kojid.running():
        host = kojid.hub.admin.getHost(HOST)["id"]
        eventually(lambda: kojid.hub.admin.getLastHostUpdate(host), "it reports")
        eventually(lambda: "not-ready" in kojid.host_events(), "it takes no tasks")
        details = kojid.host_events()["not-ready"].details
        task = kojid.hub.admin.makeTask("newRepo", ["none"], channel="default")
        reported = kojid.hub.admin.getLastHostUpdate(host, ts=True)
        eventually(lambda: kojid.hub.admin.getLastHostUpdate(host, ts=True) > reported + 2, "it polls")
        assert kojid.task_state(task) == "FREE"
        assert not kojid.hub.admin.getHost(HOST)["ready"]
    assert details["obstacle"] == "engine"
    assert [word for word in (*words, kojid.socket) if word not in str(details["reason"])] == []
    said = [line for line in kojid.log.read_text().splitlines() if words[0] in line and "[ERROR]" in line]
    assert len(said) == 1
    assert not [path for path in asked if path.endswith("/create")]


def failed(testbed: Testbed, build: Build) -> tuple[Task, Exception]:
    """The task that failed first, and its fault; its buildroots are expired."""
    assert build.returncode == 1, build.output
    task = build.tasks[-1]
    assert task.state == "FAILED"
    for buildroot in testbed.session.listBuildroots(taskID=task.id):
        assert buildroot["state"] == koji.BR_STATES["EXPIRED"]
    try:
        testbed.session.getTaskResult(task.id)
    except koji.GenericError as error:
        return task, error
    raise AssertionError(f"task {task.id} has a result")


@pytest.mark.podman
def test_a_truncated_source_package(testbed: Testbed, tmp_path: Path) -> None:
    whole = Path(testbed.srpm("hello"))
    half = tmp_path / whole.name
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    _, error = failed(testbed, testbed.build(half, "--scratch"))
    assert whole.name in str(error)


@pytest.mark.podman
def test_a_binary_package_is_no_source(testbed: Testbed, tmp_path: Path) -> None:
    binary = next((testbed.topdir / "external/minidist/Packages").glob("make-[0-9]*.rpm"))
    named = tmp_path / "make-1-1.src.rpm"
    shutil.copyfile(binary, named)
    _, error = failed(testbed, testbed.build(named, "--scratch"))
    assert isinstance(error, koji.BuildError)
    assert "not a source package" in str(error)


@pytest.mark.podman
def test_a_spec_that_does_not_parse(testbed: Testbed, tmp_path: Path) -> None:
    head = "%{!?known:%{error:this spec needs a macro}}"
    srpm = source_package(tmp_path, "unparsable", head=head, define="known 1")
    task, error = failed(testbed, testbed.build(srpm, "--scratch"))
    assert isinstance(error, koji.BuildError)
    assert "build.log" in str(error)
    assert "this spec needs a macro" in (testbed.output(task) / "build.log").read_text()


@pytest.mark.podman
def test_a_requirement_that_the_repo_lacks(testbed: Testbed, tmp_path: Path) -> None:
    srpm = source_package(tmp_path, "wishful", head="BuildRequires: no-such-package > 3")
    task, error = failed(testbed, testbed.build(srpm, "--scratch"))
    assert isinstance(error, koji.BuildError)
    assert "no-such-package" in str(error)
    assert "no-such-package" in (testbed.output(task) / "root.log").read_text()


@pytest.mark.podman
def test_a_repo_that_is_deleted(testbed: Testbed) -> None:
    repo = testbed.regenerate()
    testbed.session.repoDelete(repo)
    _, error = failed(testbed, testbed.build(testbed.srpm("hello"), "--scratch", f"--repo-id={repo}"))
    assert str(repo) in str(error)
    testbed.regenerate()


@pytest.fixture
def broken_target(testbed: Testbed) -> Iterator[str]:
    """A target whose build tag names an image that nobody has, for its builds and not for its repos."""
    rules = [
        {"type": "task_type", "task_type": method, "image": NO_IMAGE}
        for method in ("buildArch", "rebuildSRPM")
    ]
    policy = {"version": "1.0", "rules": rules}
    testbed.session.createTag(BROKEN, parent=BUILD_TAG, arches=testbed.description.arch)
    testbed.session.editTag2(BROKEN, extra={"adjutant_image_policy": policy})
    testbed.session.createBuildTarget(BROKEN, BROKEN, TAG)
    testbed.regenerate(BROKEN)
    yield BROKEN
    testbed.session.deleteBuildTarget(BROKEN)
    testbed.session.deleteTag(BROKEN)


@pytest.mark.podman
def test_an_image_that_cannot_be_pulled(testbed: Testbed, broken_target: str) -> None:
    _, error = failed(testbed, testbed.build(testbed.srpm("hello"), "--scratch", target=broken_target))
    assert isinstance(error, koji.BuildrootError)
    assert NO_IMAGE in str(error)
    assert testbed.build(testbed.srpm("hello"), "--scratch", target=TARGET).returncode == 0
