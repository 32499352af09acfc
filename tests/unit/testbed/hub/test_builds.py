"""Builds: found, listed, begun, failed, canceled and begun again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import koji
import pytest

if TYPE_CHECKING:
    from tests.unit.testbed.hub.content_hub import Caller, ContentHub
    from tests.unit.testbed.hub.rpm_packages import Built

KEYS = {
    *("build_id", "cg_id", "cg_name", "completion_time", "completion_ts", "creation_event_id"),
    *("creation_time", "creation_ts", "draft", "epoch", "extra", "id", "name", "nvr", "owner_id"),
    *("owner_name", "package_id", "package_name", "promoter_id", "promoter_name", "promotion_time"),
    *("promotion_ts", "release", "source", "start_time", "start_ts", "state", "task_id", "version"),
    *("volume_id", "volume_name"),
}


def data(task_id: int, **changes: Any) -> dict[str, Any]:
    return {"name": "hello", "version": "1", "release": "2", "epoch": None, "task_id": task_id, **changes}


def begin(hub: ContentHub, builder: Caller, **changes: Any) -> int:
    build_id: int = builder.host.initBuild(data(hub.task(builder), **changes))
    return build_id


def state(admin: Caller, build: Any) -> str:
    name: str = koji.BUILD_STATES[admin.getBuild(build)["state"]]
    return name


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


def test_a_build_is_found_by_id_nvr_and_dict(hub: ContentHub, admin: Caller, builder: Caller) -> None:
    build_id = begin(hub, builder)
    build = admin.getBuild(build_id)
    assert admin.getBuild("hello-1-2") == build
    assert admin.getBuild({"name": "hello", "version": "1", "release": "2"}) == build
    assert admin.getBuild("hello-1-3") is None
    assert admin.getBuild(build_id + 1) is None
    assert admin.findBuildID("hello-1-2") == build_id
    for missing in ("hello-1-3", build_id + 1):
        with pytest.raises(koji.GenericError, match="No such build"):
            admin.getBuild(missing, strict=True)
    with pytest.raises(koji.GenericError, match="did not provide name"):
        admin.getBuild({"name": "hello"})


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


def test_listing(hub: ContentHub, admin: Caller, builder: Caller, hello: Built, newer_hello: Built) -> None:
    first, second = hub.complete_build(hello), hub.complete_build(newer_hello)
    third = begin(hub, builder, name="world", source="git://there#1")

    def listed(**filters: Any) -> list[int]:
        return [row["build_id"] for row in admin.listBuilds(**filters)]

    assert set(admin.listBuilds()[0]) == KEYS - {"id", "cg_id", "cg_name"}
    assert listed() == [first, second, third]
    assert listed(packageID="hello") == [first, second]
    assert listed(packageID="nothing") == []
    assert listed(userID="admin", state=koji.BUILD_STATES["BUILDING"]) == [third]
    assert listed(taskID=admin.getBuild(second)["task_id"]) == [second]
    assert listed(taskID=-1) == [first, second, third]
    assert listed(prefix="wor") == [third]
    assert listed(pattern="hello-2*") == [second]
    assert listed(source="git*") == [third]
    assert listed(completeAfter=admin.getBuild(first)["completion_ts"]) == [second]
    assert listed(createdBefore=admin.getBuild(second)["creation_ts"]) == [first]
    assert listed(type="image") == []
    assert listed(queryOpts={"order": "-build_id", "offset": 1, "limit": 1}) == [second]
    assert admin.listBuilds(queryOpts={"countOnly": True}) == 3
    with pytest.raises(koji.GenericError, match="unsupported build type"):
        admin.listBuilds(type="pudding")


def test_average_duration_is_of_complete_builds(hub: ContentHub, admin: Caller, hello: Built) -> None:
    assert admin.getAverageBuildDuration("hello") is None
    build = admin.getBuild(hub.complete_build(hello))
    expected = build["completion_ts"] - build["creation_ts"]
    assert admin.getAverageBuildDuration("hello", age=6) == pytest.approx(expected)
    hub.clock.now += 200 * 86400
    assert admin.getAverageBuildDuration("hello", age=6) is None
    assert admin.getAverageBuildDuration("hello") == pytest.approx(expected)
