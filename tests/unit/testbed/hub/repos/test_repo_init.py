"""A new repo: its directory, its lists."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import koji
import pytest

from tests.unit.testbed.hub.repos.repo_files import KEYS, OPTIONS, directory, lines

if TYPE_CHECKING:
    from tests.unit.testbed.hub.content_hub import Caller, ContentHub
    from tests.unit.testbed.hub.rpm_packages import Built


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
