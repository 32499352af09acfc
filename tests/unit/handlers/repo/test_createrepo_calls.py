"""The newRepo and createrepo handlers call the hub as kojid was recorded to call it."""

import subprocess
import threading
from pathlib import Path
from typing import Any

import koji
import koji.plugin
import pytest
from koji.tasks import RefuseTask

from koji_adjutant.container.interface import ContainerInfo, ContainerSpec, LogSink
from koji_adjutant.errors import TaskCanceled
from koji_adjutant.handlers.repo.createrepo import CreaterepoTask
from tests.unit.handlers.conftest import MakeHandler
from tests.unit.handlers.replay import ReplaySession, recorded
from tests.unit.task_adapters.host_engine import HostEngine
from tests.unit.task_adapters.repos import lay_out_repo, make_package

TAG = "dist-md-build"
pytestmark = pytest.mark.usefixtures("known_tags")


@pytest.fixture
def package(topdir: Path) -> Path:
    return make_package(topdir / "packages", "one")


def test_createrepo_of_nothing_as_recorded(make_handler: MakeHandler, topdir: Path) -> None:
    lay_out_repo(topdir, TAG, 1, [])
    session = ReplaySession(recorded("createrepo_empty"))
    handler = make_handler(CreaterepoTask, 2, [1, "x86_64", None], session, manager=HostEngine())
    path, files = handler.run()
    assert session.finished()
    assert path == "tasks/2/2"
    assert sorted(files) == sorted(session.uploaded)
    assert {"EMPTY_REPO", "repomd.xml"} < set(files)
    assert session.logs["createrepo.log"].startswith(b"$ /usr/bin/createrepo_c ")


def test_createrepo_with_external_repo_as_recorded(
    make_handler: MakeHandler, topdir: Path, package: Path, tmp_path: Path
) -> None:
    external = make_package(tmp_path / "external", "two").parent
    subprocess.run(["createrepo_c", "--quiet", external], check=True)
    lay_out_repo(topdir, TAG, 4, [package])
    calls = recorded("createrepo", {"http://127.0.0.1:8380/distro/repo/": f"file://{external}/"})
    session = ReplaySession(calls)
    engine = HostEngine()
    path, files = make_handler(CreaterepoTask, 25, [4, "x86_64", None], session, manager=engine).run()
    assert session.finished()
    assert path == "tasks/25/25"
    assert any("pkgorigins" in name for name in files)
    assert [command[0] for command in engine.commands] == [
        "/usr/bin/createrepo_c",
        "/usr/bin/mergerepo_c",
    ]
    assert "--arch-expand" in engine.commands[1]


def test_plugins_see_a_repo_before_it_is_uploaded(
    make_handler: MakeHandler, topdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Any] = {}

    def sign(cbtype: str, **facts: Any) -> None:
        seen.update(facts)
        (Path(facts["repodir"]) / "repodata/repomd.xml.asc").write_text("signed")

    callbacks: Any = koji.plugin.callbacks
    monkeypatch.setitem(callbacks, "postCreateRepo", [sign])
    lay_out_repo(topdir, TAG, 1, [])
    session = ReplaySession(recorded("createrepo_empty"))
    handler = make_handler(CreaterepoTask, 2, [1, "x86_64", None], session, manager=HostEngine())
    _, files = handler.run()
    assert "repomd.xml.asc" in files
    assert session.uploaded["repomd.xml.asc"] == b"signed"
    assert {key: seen[key] for key in ("tag", "repo_id", "arch")} == {
        "tag": TAG,
        "repo_id": 1,
        "arch": "x86_64",
    }
    assert seen["taskinfo"]["method"] == "createrepo"
    assert seen["session"] is session


def test_createrepo_takes_over_old_metadata(make_handler: MakeHandler, topdir: Path, package: Path) -> None:
    """The old repo may be another tag's."""
    old = lay_out_repo(topdir, "parent-build", 3, [package])
    subprocess.run(
        ["createrepo_c", "--quiet", "-o", old / "x86_64", "-i", old / "x86_64/pkglist", old / "x86_64"],
        check=True,
    )
    lay_out_repo(topdir, TAG, 1, [package])
    calls = recorded("createrepo_empty")
    asked = {"call": "repoInfo", "args": [3, {"strict": True, "__starstar": True}]}
    calls.insert(1, {**asked, "result": {"id": 3, "tag_name": "parent-build"}})
    session = ReplaySession(calls)
    engine = HostEngine()
    oldrepo = {"id": 3, "tag_id": 9}
    _, files = make_handler(CreaterepoTask, 2, [1, "x86_64", oldrepo], session, manager=engine).run()
    assert session.finished()
    assert engine.commands[0][-3:-1] == ("--update", "--skip-stat")
    assert "EMPTY_REPO" not in files


def test_createrepo_of_a_repo_that_is_done(make_handler: MakeHandler) -> None:
    calls = recorded("createrepo_empty")[:1]
    calls[0]["result"]["state"] = koji.REPO_READY
    session = ReplaySession(calls)
    with pytest.raises(koji.GenericError, match=r"Repo 1 not in INIT state \(got 1\)"):
        make_handler(CreaterepoTask, 2, [1, "x86_64", None], session).run()


def test_createrepo_without_topdir_is_refused(make_handler: MakeHandler) -> None:
    session = ReplaySession(recorded("createrepo_empty")[:1])
    with pytest.raises(RefuseTask, match="No access to repos dir"):
        make_handler(CreaterepoTask, 2, [1, "x86_64", None], session).run()


def test_createrepo_of_an_arch_that_is_not_there(make_handler: MakeHandler, topdir: Path) -> None:
    session = ReplaySession(recorded("createrepo_empty")[:1])
    with pytest.raises(koji.GenericError, match=f"Repo directory missing: {topdir}"):
        make_handler(CreaterepoTask, 2, [1, "x86_64", None], session).run()


def test_createrepo_of_a_task_that_was_taken_away(
    make_handler: MakeHandler, topdir: Path, package: Path
) -> None:
    """Its container is killed when the hub refuses a log; that is no failure of createrepo_c."""

    class Refusing(ReplaySession):
        def upload_chunk(self, path: str, name: str, offset: int, data: bytes) -> None:
            raise koji.ActionNotAllowed("task 2 does not belong to this host")

    class Killed(HostEngine):
        def __init__(self) -> None:
            super().__init__()
            self.killed = threading.Event()

        def find(self, labels: Any) -> list[ContainerInfo]:
            return [ContainerInfo(id="tool", state="running", labels={})]

        def kill(self, container: str) -> None:
            self.killed.set()

        def run(self, spec: ContainerSpec, sink: LogSink, *, timeout: float | None = None) -> int:
            assert self.killed.wait(10)
            return 137

    lay_out_repo(topdir, TAG, 1, [package])
    session, engine = Refusing(recorded("createrepo_empty")[:1]), Killed()
    with pytest.raises(TaskCanceled):
        make_handler(CreaterepoTask, 2, [1, "x86_64", None], session, manager=engine).run()
    assert engine.has_ceased


def test_failed_createrepo_leaves_its_log(make_handler: MakeHandler, topdir: Path, package: Path) -> None:
    lay_out_repo(topdir, TAG, 1, [package])
    package.unlink()
    session = ReplaySession(recorded("createrepo_empty")[:2])
    with pytest.raises(koji.GenericError, match="failed to create repo: ") as caught:
        make_handler(CreaterepoTask, 2, [1, "x86_64", None], session, manager=HostEngine()).run()
    assert caught.value.faultCode == 1000
    assert b"one-1-1.noarch.rpm" in session.logs["createrepo.log"]
