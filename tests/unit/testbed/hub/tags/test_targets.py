"""Build targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import koji
import pytest

if TYPE_CHECKING:
    from tests.unit.testbed.hub.content_hub import Caller, ContentHub


@pytest.fixture
def tags(hub: ContentHub) -> dict[str, int]:
    return {name: hub.tag(name) for name in ("dist", "dist-build", "other")}


def test_a_target_has_the_real_hubs_fields(admin: Caller, tags: dict[str, int]) -> None:
    admin.createBuildTarget("dist", "dist-build", "dist")
    target = admin.getBuildTarget("dist")
    assert target == {
        "id": target["id"],
        "name": "dist",
        "build_tag": tags["dist-build"],
        "build_tag_name": "dist-build",
        "dest_tag": tags["dist"],
        "dest_tag_name": "dist",
    }
    assert admin.getBuildTarget(target["id"]) == target


def test_targets_are_found_by_either_tag(admin: Caller, tags: dict[str, int]) -> None:
    admin.createBuildTarget("one", "dist-build", "dist")
    admin.createBuildTarget("two", "dist-build", "other")
    assert [target["name"] for target in admin.getBuildTargets(buildTagID="dist-build")] == ["one", "two"]
    assert [target["name"] for target in admin.getBuildTargets(destTagID=tags["other"])] == ["two"]
    assert admin.getBuildTargets(queryOpts={"countOnly": True}) == 2
    assert admin.getBuildTargets("three") == []


def test_a_target_is_edited_and_deleted_but_kept_at_its_events(admin: Caller, tags: dict[str, int]) -> None:
    admin.createBuildTarget("dist", "dist-build", "dist")
    event = admin.getLastEvent()["id"]
    admin.editBuildTarget("dist", "renamed", "other", "dist")
    assert admin.getBuildTarget("renamed")["build_tag_name"] == "other"
    admin.deleteBuildTarget("renamed")
    assert admin.getBuildTarget("renamed") is None
    assert admin.getBuildTarget("renamed", event=event)["build_tag"] == tags["dist-build"]
    with pytest.raises(koji.GenericError, match="No such build target: renamed"):
        admin.getBuildTarget("renamed", strict=True)


@pytest.mark.usefixtures("tags")
def test_targets_that_cannot_be(hub: ContentHub, admin: Caller) -> None:
    admin.createBuildTarget("dist", "dist-build", "dist")
    with pytest.raises(koji.GenericError, match="already exists"):
        admin.createBuildTarget("dist", "dist-build", "dist")
    with pytest.raises(koji.GenericError, match="build tag 'none' does not exist"):
        admin.createBuildTarget("new", "none", "dist")
    with pytest.raises(koji.GenericError, match="destination tag 'none' does not exist"):
        admin.createBuildTarget("new", "dist", "none")
    with pytest.raises(koji.ActionNotAllowed):
        hub.user("someone").createBuildTarget("new", "dist-build", "dist")
