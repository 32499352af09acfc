"""The embedded hub takes what a recorded builder sent to a real hub, and answers in the same shapes."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from xmlrpc.client import dumps

import koji
import pytest

from koji_adjutant.testbed.hub.options import HubOptions
from koji_adjutant.testbed.hub.server import EmbeddedHub
from tests.contract.trace_replay import RECORDED, Replay

if TYPE_CHECKING:
    from collections.abc import Iterator


# koji.ClientSession, untyped because the replay makes calls by name.
Session: TypeAlias = Any

SPEC = Path(__file__).with_name("data") / "hello-md.spec"


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The RPMs that the recorded builds uploaded, by name."""
    top = tmp_path_factory.mktemp("rpmbuild")
    subprocess.run(
        ["rpmbuild", "-ba", "--target=x86_64", f"--define=_topdir {top}", str(SPEC)],
        check=True,
        capture_output=True,
    )
    return {path.name: path.read_bytes() for path in top.rglob("*.rpm")}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[EmbeddedHub]:
    with EmbeddedHub(tmp_path, HubOptions(run_interval=0)) as hub:
        hub.bootstrap("admin", "admin")
        hub.accounts.add_host("builder1", "builder1")
        yield hub


@contextmanager
def logged_in(hub: EmbeddedHub, user: str) -> Iterator[Session]:
    session: Session = koji.ClientSession(hub.url, {"user": user, "password": user})
    session.login()
    yield session
    session.logout()
    session._forget()


@pytest.fixture
def admin(hub: EmbeddedHub) -> Iterator[Session]:
    with logged_in(hub, "admin") as session:
        yield session


@pytest.fixture
def builder(hub: EmbeddedHub) -> Iterator[Session]:
    with logged_in(hub, "builder1") as session:
        session.exclusiveSession()
        session.host.updateHost(0.0, True, data={"methods": [], "maxjobs": 5})
        yield session


def furnish(admin: Session) -> dict[str, Any]:
    """Tags, target, packages and external repo as the recorded hub had them."""
    dest = admin.createTag("dist-md", arches="x86_64")
    build = admin.createTag("dist-md-build", parent="dist-md", arches="x86_64")
    admin.createBuildTarget("dist-md", "dist-md-build", "dist-md")
    for name in ("hello-md", "failing-md", "bash-md"):
        admin.packageListAdd("dist-md", name, "admin")
    return {"$tag:1": dest, "$tag:2": build, "$user:1": admin.getLoggedInUser()["id"]}


def add_external_repo(admin: Session, builder: Session) -> dict[str, Any]:
    """An external repo in the build tag, and a repo that is READY."""
    admin.createExternalRepo("minidistro", "http://127.0.0.1/repo/")
    admin.addExternalRepoToTag("dist-md-build", "minidistro", 10)
    task_id = admin.makeTask("newRepo", ["dist-md-build"])
    builder.host.openTask(task_id)
    repo_id = builder.host.repoInit("dist-md-build", task_id=task_id)[0]
    builder.host.repoDone(repo_id, {})
    builder.host.closeTask(task_id, dumps((None,), methodresponse=True, allow_none=True))
    row = admin.getExternalRepoList("dist-md-build")[0]
    external = {"external_repo": row, "location": row["external_repo_id"]}
    return {"$repo:4": repo_id, "$oldrepo:0": admin.repoInfo(repo_id), "external": external}


@pytest.mark.parametrize("name", RECORDED["traces"])
def test_recorded_builder_session(
    name: str, admin: Session, builder: Session, packages: dict[str, bytes]
) -> None:
    ids = furnish(admin)
    if name != "newRepo-empty":
        ids |= add_external_repo(admin, builder)
    trace = RECORDED["traces"][name]
    assert trace["steps"]
    replay = Replay(admin=admin, main=builder, trace=trace, ids=ids, files=packages)
    assert replay.run() == []
