"""Builds: found, listed, begun, failed, canceled and begun again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import koji
import pytest

from tests.unit.testbed.hub.builds.begun import KEYS, begin

if TYPE_CHECKING:
    from tests.unit.testbed.hub.content_hub import Caller, ContentHub
    from tests.unit.testbed.hub.rpm_packages import Built


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
