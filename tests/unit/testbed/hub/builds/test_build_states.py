"""The life of a build."""

from __future__ import annotations

from typing import TYPE_CHECKING

import koji
import pytest

from tests.unit.testbed.hub.builds.begun import KEYS, begin, data, state

if TYPE_CHECKING:
    from tests.unit.testbed.hub.content_hub import Caller, ContentHub
    from tests.unit.testbed.hub.rpm_packages import Built


def test_init_build_makes_the_package_and_a_building_build(
    hub: ContentHub, admin: Caller, builder: Caller
) -> None:
    task_id = hub.task(builder, owner=hub.user("alice"))
    extra = {"source": {"original_url": "git://there#tip"}}
    build_id = builder.host.initBuild(data(task_id, source="git://there#1234", extra=extra, epoch=3))
    build = admin.getBuild(build_id)
    assert set(build) == KEYS
    assert (build["nvr"], build["epoch"], state(admin, build_id)) == ("hello-1-2", 3, "BUILDING")
    assert (build["owner_name"], build["task_id"], build["volume_name"]) == ("alice", task_id, "DEFAULT")
    assert (build["source"], build["extra"]) == ("git://there#1234", extra)
    assert build["completion_time"] is None
    assert build["start_time"].endswith("+00:00")
    assert admin.getPackageID("hello") == build["package_id"]


def test_init_build_wants_name_version_release_and_epoch(
    hub: ContentHub, admin: Caller, builder: Caller
) -> None:
    task_id = hub.task(builder)
    for field in ("version", "release", "epoch"):
        lacking = data(task_id)
        del lacking[field]
        with pytest.raises(koji.GenericError, match=f"No {field} value"):
            builder.host.initBuild(lacking)
    with pytest.raises(koji.GenericError, match="No name"):
        builder.host.initBuild(data(task_id, name=""))
    assert admin.listBuilds() == []


def test_init_build_is_for_the_host_that_has_the_task(hub: ContentHub, builder: Caller) -> None:
    with pytest.raises(koji.ActionNotAllowed, match="does not own task"):
        hub.host("other").host.initBuild(data(hub.task(builder)))


def test_the_same_task_may_begin_again_another_may_not(
    hub: ContentHub, admin: Caller, builder: Caller
) -> None:
    build_id = begin(hub, builder)
    task_id = admin.getBuild(build_id)["task_id"]
    assert builder.host.initBuild(data(task_id)) == build_id
    with pytest.raises(koji.GenericError, match=rf"already in progress \(task {task_id}\)"):
        begin(hub, builder)


def test_a_failed_build_is_tried_again_under_its_id(hub: ContentHub, admin: Caller, builder: Caller) -> None:
    build_id = begin(hub, builder)
    first = admin.getBuild(build_id)
    builder.host.failBuild(first["task_id"], build_id)
    assert state(admin, build_id) == "FAILED"
    assert admin.getBuild(build_id)["completion_ts"] > first["start_ts"]
    assert begin(hub, builder, epoch=1) == build_id
    second = admin.getBuild(build_id)
    assert (second["epoch"], second["completion_ts"], state(admin, build_id)) == (1, None, "BUILDING")
    assert second["creation_event_id"] > first["creation_event_id"]
    assert second["task_id"] > first["task_id"]


def test_only_a_building_build_fails(hub: ContentHub, admin: Caller, builder: Caller) -> None:
    build_id = begin(hub, builder)
    task_id = admin.getBuild(build_id)["task_id"]
    builder.host.failBuild(task_id, build_id)
    with pytest.raises(koji.GenericError, match=r"cannot update build .*, state: FAILED"):
        builder.host.failBuild(task_id, build_id)


def test_a_complete_build_is_not_built_again(
    hub: ContentHub, admin: Caller, builder: Caller, hello: Built
) -> None:
    hub.complete_build(hello)
    with pytest.raises(koji.GenericError, match="Build already exists"):
        builder.host.initBuild(hello.build_data(hub.task(builder)))
    assert state(admin, hello.nvr) == "COMPLETE"


def test_canceling_a_build_cancels_its_task(hub: ContentHub, admin: Caller, builder: Caller) -> None:
    build_id = begin(hub, builder)
    task_id = admin.getBuild(build_id)["task_id"]
    assert admin.cancelBuild("hello-1-2") is True
    assert state(admin, build_id) == "CANCELED"
    assert admin.getTaskInfo(task_id)["state"] == koji.TASK_STATES["CANCELED"]
    assert admin.cancelBuild(build_id) is False
    assert admin.cancelBuild("nothing-1-1") is False
    with pytest.raises(koji.GenericError, match="No such build"):
        admin.cancelBuild("nothing-1-1", strict=True)


def test_canceling_a_task_cancels_its_build(hub: ContentHub, admin: Caller, builder: Caller) -> None:
    build_id = begin(hub, builder)
    admin.cancelTask(admin.getBuild(build_id)["task_id"])
    assert state(admin, build_id) == "CANCELED"


def test_only_owner_or_admin_cancels(hub: ContentHub, admin: Caller, builder: Caller) -> None:
    build_id = begin(hub, builder)
    with pytest.raises(koji.ActionNotAllowed, match="not owner"):
        hub.user("someone").cancelBuild(build_id)
    assert state(admin, build_id) == "BUILDING"


def test_drafts_of_one_name(hub: ContentHub, builder: Caller, hello: Built) -> None:
    """Each has its number in its release; packages keep theirs. A build of that name ends it."""
    made = []
    for _ in range(2):
        task = hub.task(builder)
        build = builder.host.initBuild(hello.build_data(task) | {"draft": True})
        srpm, *rpms = hub.upload(task, hello.srpm, *hello.rpms)
        builder.host.completeBuild(task, build, srpm, rpms)
        made.append(hub.admin.getBuild(build))
    for build in made:
        assert (build["draft"], build["nvr"]) == (True, f"{hello.nvr},draft_{build['id']}")
        rpms = hub.admin.listRPMs(build["id"])
        assert {rpm["draft"] for rpm in rpms} == {True}
        assert {
            f"{rpm['name']}-{rpm['version']}-{rpm['release']}" for rpm in rpms if rpm["arch"] == "src"
        } == {hello.nvr}
    name = next(rpm for rpm in hub.admin.listRPMs(made[0]["id"]) if rpm["arch"] != "src")
    key = {field: name[field] for field in ("name", "version", "release", "arch")}
    assert hub.admin.getRPM(key)["build_id"] == made[1]["id"]
    plain = hub.complete_build(hello)
    assert hub.admin.getRPM(key)["build_id"] == plain
    with pytest.raises(koji.GenericError, match=rf"Target build already exists: {hello.nvr}"):
        builder.host.initBuild(hello.build_data(hub.task(builder)) | {"draft": True})


def test_drafts_in_a_tag(hub: ContentHub, builder: Caller, hello: Built) -> None:
    hub.tag("dist")
    hub.listed("dist", "hello")
    hub.admin.tagBuildBypass("dist", hub.complete_build(hello))
    task = hub.task(builder)
    other = {**hello.build_data(task), "release": "99", "draft": True}
    draft = builder.host.initBuild(other)
    with hub.dispatcher.transaction():
        hub.db.update("build", {"id": draft}, state=koji.BUILD_STATES["COMPLETE"])
    hub.admin.tagBuildBypass("dist", draft)
    found = {
        wanted: [
            build["build_id"] == draft for build in hub.admin.listTagged("dist", latest=True, draft=wanted)
        ]
        for wanted in (None, True, False)
    }
    assert found == {None: [True], True: [True], False: [False]}
    assert [build["build_id"] == draft for build in hub.admin.getLatestBuilds("dist", draft=False)] == [False]
