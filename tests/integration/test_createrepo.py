"""newRepo and createrepo by the daemon, and what is in the repo: the same as the tools make by themselves."""

import bz2
import gzip
import lzma
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.container.interface import PullPolicy
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.task_adapters.repodata.verify import package_count, verify_repodata
from koji_adjutant.testbed.content import EXTERNAL_REPO, TAG
from koji_adjutant.testbed.tasks import Task, family
from tests.integration import running
from tests.waiting import eventually

pytestmark = pytest.mark.podman

OPENERS: Mapping[str, Callable[..., Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
    ".xml": open,
}
REFUSED_WITHIN = 60.0
SWEPT_WITHIN = 30.0
COMPARED = ("primary", "filelists", "other", "group")


@pytest.fixture(scope="module")
def built(testbed: running.Testbed) -> str:
    """A build in the tag that the repos here inherit from."""
    known = testbed.session.listTagged(TAG, latest=True, package="hello")
    if not known:
        build = testbed.build(testbed.srpm("hello"))
        assert build.returncode == 0, build.output
        known = testbed.session.listTagged(TAG, latest=True, package="hello")
    return str(known[0]["nvr"])


@pytest.fixture
def tag(testbed: running.Testbed, built: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A build tag of this test's own, without external repos, which has `built` and a group."""
    name = f"createrepo-{request.node.name.replace('_', '-').replace('[', '-').strip(']')}"[:60]
    session = testbed.session
    session.createTag(name, parent=TAG, arches=testbed.description.arch)
    session.groupListAdd(name, "build")
    session.groupPackageListAdd(name, "build", "bash")
    yield name
    for repo in session.getTagExternalRepos(name):
        session.removeExternalRepoFromTag(name, repo["external_repo_id"])


def new_repo(testbed: running.Testbed, tag: str) -> tuple[Path, Task]:
    """A new repo of the tag: its directory for the one architecture, and the createrepo task that made it."""
    number = testbed.session.newRepo(tag)
    task = testbed.wait_task(number)
    assert task.state == "CLOSED", testbed.fault(number)
    repo = testbed.session.getRepo(tag)
    child = next(task for task in family(testbed.session, number) if task.method == "createrepo")
    return testbed.topdir / "repos" / tag / str(repo["id"]) / testbed.description.arch, child


def content(repodata: Path) -> dict[str, bytes]:
    """The metadata that buildroots are made by, without their compression."""
    found = {}
    for record in verify_repodata(repodata):
        if record.kind in COMPARED:
            with OPENERS[record.path.suffix](record.path, "rb") as file:
                found[record.kind] = file.read()
    return found


def created(repo: Path, output: Path) -> Path:
    """What createrepo_c makes of the same, here."""
    pkglist, comps = repo / "pkglist", repo.parent / "groups/comps.xml"
    listed: list[str | Path] = ["-i", pkglist] if pkglist.stat().st_size else []
    source = repo if listed else output
    output.mkdir()
    argv: list[str | Path] = [
        "createrepo_c",
        "--error-exit-val",
        "-vd",
        "-o",
        output,
        *listed,
        "-g",
        comps,
        source,
    ]
    subprocess.run(argv, check=True, capture_output=True)
    return output


def log_of(testbed: running.Testbed, task: Task, name: str) -> str:
    return (testbed.output(task) / name).read_text()


def test_repo_is_what_createrepo_c_makes(testbed: running.Testbed, tag: str, tmp_path: Path) -> None:
    repo, task = new_repo(testbed, tag)
    direct = content(created(repo, tmp_path / "direct") / "repodata")
    assert set(direct) == set(COMPARED)
    assert content(repo / "repodata") == direct
    assert package_count(verify_repodata(repo / "repodata")) == len((repo / "pkglist").read_text().split())
    assert "--error-exit-val" in log_of(testbed, task, "createrepo.log")
    assert log_of(testbed, task, "createrepo.log") == testbed.container_log(task).read_text()
    assert not (testbed.output(task) / "mergerepos.log").exists()


def test_unchanged_metadata_are_taken_over(testbed: running.Testbed, tag: str) -> None:
    first, _ = new_repo(testbed, tag)
    second, task = new_repo(testbed, tag)
    assert first != second
    assert " --update --skip-stat " in log_of(testbed, task, "createrepo.log")
    assert content(second / "repodata") == content(first / "repodata")


def test_repo_of_nothing(testbed: running.Testbed, built: str) -> None:
    name = "createrepo-nothing"
    testbed.session.createTag(name, arches=testbed.description.arch)
    repo, _ = new_repo(testbed, name)
    assert (repo / "repodata/EMPTY_REPO").is_file()
    assert package_count(verify_repodata(repo / "repodata")) == 0


def merged(testbed: running.Testbed, repo: Path, url: str, work: Path) -> Path:
    """What mergerepo_c makes of the same, here."""
    work.mkdir()
    premerge, output = created(repo, work / "premerge"), work / "merged"
    output.mkdir()
    comps = repo.parent / "groups/comps.xml"
    argv: list[str | Path] = [
        "mergerepo_c",
        "--koji",
        "-b",
        repo / "blocklist",
        "-a",
        testbed.description.arch,
        "-o",
        output,
    ]
    argv += ["--arch-expand", "-g", comps, "-r", f"file://{premerge}/", "-r", url]
    subprocess.run(argv, check=True, capture_output=True)
    return output


def origins(repodata: Path) -> dict[str, str]:
    """Where each package came from, by name, version, release and arch."""
    record = next(record for record in verify_repodata(repodata) if record.kind == "origin")
    return dict(line.split("\t") for line in gzip.decompress(record.path.read_bytes()).decode().splitlines())


def test_external_repo_is_merged(testbed: running.Testbed, tag: str, tmp_path: Path) -> None:
    testbed.session.addExternalRepoToTag(tag, EXTERNAL_REPO, 10, merge_mode="koji")
    url = testbed.session.getExternalRepo(EXTERNAL_REPO)["url"]
    repo, task = new_repo(testbed, tag)
    direct = merged(testbed, repo, url, tmp_path / "direct") / "repodata"
    assert content(repo / "repodata") == content(direct)
    found = origins(repo / "repodata")
    assert found.keys() == origins(direct).keys()
    inside = {origin for origin in found.values() if origin != url}
    assert len(inside) == 1
    assert inside.pop().endswith(f"/repo_{repo.parent.name}_premerge/")
    assert log_of(testbed, task, "mergerepos.log").startswith("$ /usr/bin/mergerepo_c --koji -b ")


def test_external_repo_may_be_a_directory(testbed: running.Testbed, tag: str, tmp_path: Path) -> None:
    source = Path(testbed.description.srpms["hello"]).parent.parent / "repo"
    name = f"{tag}-directory"
    testbed.session.createExternalRepo(name, f"file://{source}/")
    testbed.session.addExternalRepoToTag(tag, name, 10, merge_mode="koji")
    repo, _ = new_repo(testbed, tag)
    outside = [url for url in origins(repo / "repodata").values() if not url.endswith("_premerge/")]
    assert set(outside) == {f"file://{source}/"}


def test_external_repo_that_is_not_there(testbed: running.Testbed, tag: str, tmp_path: Path) -> None:
    name = f"{tag}-gone"
    testbed.session.createExternalRepo(name, f"file://{tmp_path}/gone/")
    testbed.session.addExternalRepoToTag(tag, name, 10, merge_mode="koji")
    number = testbed.session.newRepo(tag)
    assert testbed.wait_task(number).state == "FAILED"
    expected = f"failed to merge repos: external repo file://{tmp_path}/gone/ is not on this builder"
    assert expected in testbed.fault(number)


@pytest.fixture
def package(testbed: running.Testbed, built: str) -> Path:
    """A package that repos of these tags have."""
    name, version, release = built.rsplit("-", 2)
    directory = testbed.topdir / "packages" / name / version / release / testbed.description.arch
    return next(directory.glob(f"{built}.*.rpm"))


def test_missing_package_fails_the_repo(testbed: running.Testbed, tag: str, package: Path) -> None:
    hidden = package.rename(package.with_suffix(".hidden"))
    try:
        number = testbed.session.newRepo(tag)
        task = testbed.wait_task(number)
    finally:
        hidden.rename(package)
    assert task.state == "FAILED"
    assert "failed to create repo: /usr/bin/createrepo_c exited with status 2" in testbed.fault(number)


def test_unreadable_package_hands_the_task_back(testbed: running.Testbed, tag: str, package: Path) -> None:
    """As on a volume that refuses root: another host may be able to read it."""
    mode = package.stat().st_mode
    os.chown(package, 12345, 12345)
    package.chmod(0o600)
    try:
        number = testbed.session.newRepo(tag)
        reason = refusal(testbed, number)
    finally:
        package.chmod(mode)
        os.chown(package, 0, 0)
        testbed.session.cancelTask(number)
        wait_swept(testbed, number)
    assert "Permission denied" in reason
    assert package.name in reason


def wait_swept(testbed: running.Testbed, number: int) -> None:
    """Until the daemon has cleaned up after a canceled task."""
    workdir = testbed.layout.builder / "work/tasks" / str(number % 10000) / str(number)
    eventually(lambda: not workdir.exists(), f"{workdir} is gone", seconds=SWEPT_WITHIN)


def refusal(testbed: running.Testbed, parent: int) -> str:
    """What the daemon logged when it handed back the createrepo task below `parent`."""

    def said() -> str:
        lines = [line for log in testbed.layout.logs.glob("kojid*") for line in log.read_text().splitlines()]
        wanted = [f"task {task.id} is refused: " for task in family(testbed.session, parent)]
        return next((line for line in lines if any(words in line for words in wanted)), "")

    return eventually(said, f"a task below task {parent} is refused", seconds=REFUSED_WITHIN)


def test_nothing_is_left(testbed: running.Testbed, tag: str) -> None:
    new_repo(testbed, tag)
    manager = PodmanManager(testbed.engine.socket, testbed.config.container_timeouts)
    try:
        assert manager.ensure_image_available(testbed.description.task_image, PullPolicy.NEVER).id
        assert manager.find({"io.koji.adjutant.role": "tool"}) == ()
    finally:
        manager.close()
    assert testbed.work_directories() == []
