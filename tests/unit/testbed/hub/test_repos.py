"""Repos: what repoInit writes, what repoDone moves, and the states between."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import koji
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.testbed.hub.content_hub import Caller, ContentHub
    from tests.unit.testbed.hub.rpm_packages import Built, PackageMaker

KEYS = {
    *("begin_event", "begin_ts", "create_event", "create_ts", "creation_time", "creation_ts"),
    *("custom_opts", "dist", "end_event", "end_ts", "id", "opts", "state", "state_time", "state_ts"),
    *("tag_id", "tag_name", "task_id", "task_state"),
}
OPTIONS = {"src": False, "debuginfo": False, "separate_src": False, "maven": False}


@pytest.fixture
def tag(hub: ContentHub) -> str:
    hub.tag("dist", arches="x86_64 i686")
    return "dist"


def directory(hub: ContentHub, repo_id: int, tag: str = "dist") -> Path:
    return hub.topdir / "repos" / tag / str(repo_id)


def ready(builder: Caller, tag: str = "dist", **options: Any) -> int:
    repo_id: int = builder.host.repoInit(tag, **options)[0]
    builder.host.repoDone(repo_id, {})
    return repo_id


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


@pytest.mark.usefixtures("tag")
def test_a_new_repo_has_the_real_hubs_fields(hub: ContentHub, admin: Caller, builder: Caller) -> None:
    changed = admin.tagLastChangeEvent("dist")
    task_id = hub.task(builder, "newRepo")
    repo_id, event = builder.host.repoInit("dist", task_id=task_id)
    repo = admin.repoInfo(repo_id)
    assert set(repo) == KEYS
    assert (repo["state"], repo["tag_name"], repo["task_id"]) == (koji.REPO_INIT, "dist", task_id)
    assert (repo["create_event"], repo["begin_event"], repo["end_event"]) == (event, changed, None)
    assert (repo["opts"], repo["custom_opts"], repo["dist"]) == (OPTIONS, {}, False)
    assert repo["task_state"] == koji.TASK_STATES["OPEN"]
    assert event == admin.getLastEvent()["id"]


@pytest.mark.usefixtures("tag")
def test_the_directory_of_an_empty_repo(hub: ContentHub, builder: Caller) -> None:
    task_id = hub.task(builder, "newRepo")
    repo_id, event = builder.host.repoInit("dist", task_id=task_id, opts={"debuginfo": True})
    home = directory(hub, repo_id)
    assert json.loads((home / "repo.json").read_text(encoding="utf-8")) == {
        "id": repo_id,
        "tag": "dist",
        "tag_id": hub.admin.getTag("dist")["id"],
        "task_id": task_id,
        "event_id": event,
        "opts": {**OPTIONS, "debuginfo": True},
        "custom_opts": {"debuginfo": True},
        "with_src": False,
        "with_separate_src": False,
        "with_debuginfo": True,
    }
    assert sorted(path.name for path in home.iterdir()) == ["groups", "i386", "repo.json", "x86_64"]
    for arch in ("x86_64", "i386"):
        assert (home / arch / "toplink").readlink().is_absolute() is False
        assert (home / arch / "toplink").resolve() == hub.topdir.resolve()
        for name in ("pkglist", "rpmlist.jsonl", "blocklist"):
            assert lines(home / arch / name) == []


@pytest.mark.usefixtures("tag")
def test_comps_hold_the_groups(hub: ContentHub, admin: Caller, builder: Caller) -> None:
    admin.groupListAdd("dist", "build")
    admin.groupPackageListAdd("dist", "build", "bash")
    admin.groupPackageListAdd("dist", "build", "gone")
    admin.groupPackageListBlock("dist", "build", "gone")
    comps = (directory(hub, builder.host.repoInit("dist")[0]) / "groups" / "comps.xml").read_text("utf-8")
    assert "<id>build</id>" in comps
    assert "bash</packagereq>" in comps
    assert "gone" not in comps


def test_package_lists(
    hub: ContentHub, builder: Caller, hello: Built, newer_hello: Built, world: Built
) -> None:
    admin = hub.admin
    hub.tag("base", arches="x86_64")
    hub.tag("dist", arches="x86_64 i686", parent="base")
    hub.listed("base", "hello", "world", "never")
    admin.packageListBlock("dist", "never")
    for built in (hello, newer_hello, world):
        hub.complete_build(built)
        admin.tagBuildBypass("base", built.nvr)
    home = directory(hub, builder.host.repoInit("dist")[0])
    noarch = "toplink/packages/hello/2.0/1/noarch/hello-2.0-1.noarch.rpm"
    binary = "toplink/packages/world/1.0/1/x86_64/world-1.0-1.x86_64.rpm"
    assert sorted(lines(home / "x86_64" / "pkglist")) == [noarch, binary]
    assert lines(home / "i386" / "pkglist") == [noarch]
    assert (home / "x86_64" / binary).is_file()
    assert lines(home / "x86_64" / "blocklist") == lines(home / "i386" / "blocklist") == ["never"]
    (row,) = [json.loads(line) for line in lines(home / "i386" / "rpmlist.jsonl")]
    (rpm,) = admin.listTaggedRPMS("base", arch="noarch", latest=True)[0]
    assert row == rpm


def test_options_choose_what_is_in_a_repo(
    hub: ContentHub, builder: Caller, packages: PackageMaker, hello: Built, newer_hello: Built
) -> None:
    admin = hub.admin
    hub.tag("dist")
    hub.listed("dist", "hello", "extra-debuginfo")
    debug = packages.make("extra-debuginfo")
    for built in (hello, newer_hello, debug):
        hub.complete_build(built)
        admin.tagBuildBypass("dist", built.nvr)

    def names(arch: str = "x86_64", **options: Any) -> set[str]:
        home = directory(hub, builder.host.repoInit("dist", opts=options)[0])
        return {line.rsplit("/", 1)[1] for line in lines(home / arch / "pkglist")}

    assert names() == {"hello-2.0-1.noarch.rpm"}
    assert names(debuginfo=True) == {"hello-2.0-1.noarch.rpm", "extra-debuginfo-1.0-1.noarch.rpm"}
    assert "hello-2.0-1.src.rpm" in names(src=True)
    assert names("src", separate_src=True) == {"hello-2.0-1.src.rpm"}
    admin.editTag2("dist", extra={"repo_include_all": True})
    assert names() == {"hello-1.0-1.noarch.rpm", "hello-2.0-1.noarch.rpm"}


def test_a_repo_of_an_earlier_event(hub: ContentHub, admin: Caller, builder: Caller, hello: Built) -> None:
    hub.tag("dist")
    hub.listed("dist", "hello")
    event = admin.getLastEvent()["id"]
    hub.complete_build(hello)
    admin.tagBuildBypass("dist", hello.nvr)
    tagged = admin.getLastEvent()["id"]
    repo_id, at = builder.host.repoInit("dist", event=event)
    assert at == event
    assert lines(directory(hub, repo_id) / "x86_64" / "pkglist") == []
    assert admin.repoInfo(repo_id)["end_event"] == tagged
    with pytest.raises(koji.GenericError):
        builder.host.repoInit("dist", event=tagged + 100)


def test_repo_done_moves_the_metadata(
    hub: ContentHub, admin: Caller, builder: Caller, tmp_path: Path
) -> None:
    hub.tag("dist")
    task_id = hub.task(builder, "createrepo")
    files = [tmp_path / "repomd.xml", tmp_path / "primary.xml.gz"]
    for file in files:
        file.write_text(file.name, encoding="utf-8")
    hub.upload(task_id, *files)
    repo_id = builder.host.repoInit("dist")[0]
    upload_path = koji.PathInfo().taskrelpath(task_id)
    builder.host.repoDone(
        repo_id,
        {"x86_64": [upload_path, [file.name for file in files]]},
        repo_json_updates={"cloned_from_repo_id": 1},
    )
    home = directory(hub, repo_id)
    for file in files:
        assert (home / "x86_64" / "repodata" / file.name).read_text(encoding="utf-8") == file.name
        assert not (hub.topdir / "work" / upload_path / file.name).exists()
    assert json.loads((home / "repo.json").read_text(encoding="utf-8"))["cloned_from_repo_id"] == 1
    assert admin.repoInfo(repo_id)["state"] == koji.REPO_READY
    assert (home.parent / "latest").readlink().name == str(repo_id)
    with pytest.raises(koji.GenericError, match="not in INIT state"):
        builder.host.repoDone(repo_id, {})


@pytest.mark.usefixtures("tag")
def test_repo_done_refuses_what_is_not_there(hub: ContentHub, admin: Caller, builder: Caller) -> None:
    repo_id = builder.host.repoInit("dist")[0]
    with pytest.raises(koji.GenericError, match="Repo arch directory missing"):
        builder.host.repoDone(repo_id, {"s390x": ["tasks/1/1", []]})
    with pytest.raises(koji.GenericError, match="uploaded file missing"):
        builder.host.repoDone(repo_id, {"x86_64": ["tasks/1/1", ["repomd.xml"]]})
    with pytest.raises(koji.ParameterError):
        builder.host.repoDone(repo_id, [])
    with pytest.raises(koji.AuthError):
        admin.host.repoDone(repo_id, {})
    assert admin.repoInfo(repo_id)["state"] == koji.REPO_INIT


@pytest.mark.usefixtures("tag")
def test_latest_is_the_newest_usual_repo(hub: ContentHub, builder: Caller) -> None:
    older, newer = (builder.host.repoInit("dist")[0] for _ in range(2))
    link = directory(hub, older).parent / "latest"
    builder.host.repoDone(newer, {})
    builder.host.repoDone(older, {})
    assert link.readlink().name == str(newer)
    ready(builder, opts={"src": True})
    assert link.readlink().name == str(newer)


@pytest.mark.usefixtures("tag")
def test_get_repo_gives_the_newest_of_a_state(admin: Caller, builder: Caller) -> None:
    assert admin.getRepo("dist") is None
    first, second = ready(builder), ready(builder)
    third, event = builder.host.repoInit("dist")
    assert admin.getRepo("dist")["id"] == second
    assert admin.getRepo("dist", state=koji.REPO_INIT)["id"] == third
    assert admin.getRepo("dist", event=event)["id"] == third
    assert admin.getRepo("dist", event=admin.repoInfo(first)["create_event"])["id"] == first
    assert admin.getRepo("dist", min_event=event) is None
    assert admin.getRepo("dist", dist=True) is None
    with pytest.raises(koji.GenericError):
        admin.getRepo("nothing")


@pytest.mark.usefixtures("tag")
def test_states_only_go_forward(hub: ContentHub, admin: Caller, builder: Caller) -> None:
    repo_id = ready(builder)
    admin.repoExpire(repo_id)
    admin.repoExpire(repo_id)
    with pytest.raises(koji.GenericError, match="EXPIRED -> READY"):
        admin.repo.setState(repo_id, koji.REPO_READY)
    admin.repoProblem(repo_id)
    assert admin.repoDelete(repo_id) == 0
    assert admin.repoInfo(repo_id)["state"] == koji.REPO_DELETED
    with pytest.raises(koji.GenericError, match="is deleted"):
        admin.repoProblem(repo_id)
    with pytest.raises(koji.ActionNotAllowed):
        hub.user("someone").repoExpire(repo_id)
    assert admin.repoInfo(repo_id + 1) is None
    with pytest.raises(koji.GenericError):
        admin.repoInfo(repo_id + 1, strict=True)


@pytest.mark.usefixtures("tag")
def test_an_unexpired_buildroot_keeps_its_repo(hub: ContentHub, admin: Caller, builder: Caller) -> None:
    repo_id = ready(builder)
    buildroot = hub.buildroot(builder, repo_id)
    assert admin.repoDelete(repo_id) == 1
    assert [row["id"] for row in admin.repo.references(repo_id)] == [buildroot]
    builder.host.setBuildRootState(buildroot, "EXPIRED")
    assert admin.repoDelete(repo_id) == 0
    assert admin.getActiveRepos() == []


@pytest.mark.usefixtures("tag")
def test_repo_query(admin: Caller, builder: Caller) -> None:
    first, second = ready(builder), ready(builder)

    def found(*clauses: list[Any], **options: Any) -> list[int]:
        return [row["id"] for row in admin.repo.query(list(clauses), ["id"], options)]

    assert found(["tag_name", "dist"], order="id") == [first, second]
    assert found(["id", "!=", first]) == [second]
    assert found(["id", [first]]) == [first]
    assert found(["create_event", ">", admin.repoInfo(first)["create_event"]]) == [second]
    assert found(["end_event", "<", 1000]) == []
    assert found(["opts", "@>", {"src": False}], ["custom_opts", "<@", {}], order="-id") == [second, first]
    assert set(admin.repo.query([["id", first]])[0]) == {
        *("id", "tag_id", "create_event", "state", "dist", "task_id", "opts", "custom_opts")
    }
    assert set(admin.repo.query([["id", first]], "**")[0]) == KEYS
    with pytest.raises(koji.ParameterError, match="Invalid field"):
        found(["colour", "red"])
    with pytest.raises(koji.ParameterError, match="Invalid operator"):
        found(["id", "LIKE", "1"])
