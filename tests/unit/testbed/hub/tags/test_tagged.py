"""What is in a tag."""

from __future__ import annotations

from typing import TYPE_CHECKING

import koji
import pytest

from tests.unit.testbed.hub.tags.tagged_builds import nvrs, tag_by_task

if TYPE_CHECKING:
    from tests.unit.testbed.hub.content_hub import ContentHub


def test_the_latest_build_is_the_one_tagged_last(hub: ContentHub, builds: tuple[str, str]) -> None:
    admin = hub.admin
    for nvr in reversed(builds):
        tag_by_task(hub, "base", nvr)
    assert nvrs(admin.listTagged("base")) == [builds[0], builds[1]]
    assert nvrs(admin.listTagged("base", latest=True)) == [builds[0]]
    assert nvrs(admin.listTagged("base", latest=1)) == [builds[0]]
    assert nvrs(admin.listTagged("base", latest=2)) == list(builds)
    assert nvrs(admin.listTagged("base", latest=None)) == list(builds)
    tag_by_task(hub, "base", builds[1], force=True)
    assert nvrs(admin.getLatestBuilds("dist", package="hello")) == [builds[1]]


def test_a_tagged_build_has_the_real_hubs_fields(hub: ContentHub, builds: tuple[str, str]) -> None:
    tag_by_task(hub, "base", builds[0])
    (row,) = hub.admin.listTagged("dist", inherit=True)
    build = hub.admin.getBuild(builds[0])
    assert set(row) == {
        *("tag_id", "tag_name", "id", "build_id", "version", "release", "epoch", "state"),
        *("completion_time", "promotion_time", "start_time", "task_id", "draft", "owner_id", "owner_name"),
        *("promoter_id", "promoter_name", "creation_event_id", "creation_time", "volume_id"),
        *("volume_name", "package_id", "package_name", "name", "nvr", "create_event"),
    }
    assert (row["tag_name"], row["create_event"]) == ("base", hub.admin.getLastEvent()["id"])
    assert (row["id"], row["completion_time"]) == (build["id"], build["completion_time"])
    assert hub.admin.listTagged("base", extra=True)[0]["extra"] == build["extra"]


def test_inheritance_owner_prefix_and_strictness(hub: ContentHub, builds: tuple[str, str]) -> None:
    admin = hub.admin
    tag_by_task(hub, "base", builds[0])
    assert admin.listTagged("dist") == []
    assert nvrs(admin.listTagged("dist", inherit=True, prefix="HEL", owner="admin")) == [builds[0]]
    assert admin.listTagged("dist", inherit=True, owner="nobody") == []
    assert admin.listTagged("nothing", strict=False) == []
    with pytest.raises(koji.GenericError, match="No such tagInfo"):
        admin.listTagged("nothing")


def test_a_childs_build_goes_before_an_inherited_one(hub: ContentHub, builds: tuple[str, str]) -> None:
    tag_by_task(hub, "dist", builds[0])
    tag_by_task(hub, "base", builds[1])
    assert nvrs(hub.admin.listTagged("dist", inherit=True)) == list(builds)
    assert nvrs(hub.admin.getLatestBuilds("dist")) == [builds[0]]


def test_builds_of_a_blocked_package_are_not_there(hub: ContentHub, builds: tuple[str, str]) -> None:
    admin = hub.admin
    tag_by_task(hub, "base", builds[0])
    event = admin.getLastEvent()["id"]
    admin.packageListBlock("dist", "hello")
    assert admin.listTagged("dist", inherit=True) == []
    assert nvrs(admin.listTagged("base")) == [builds[0]]
    assert nvrs(admin.listTagged("dist", event=event, inherit=True)) == [builds[0]]


def test_tagged_rpms(hub: ContentHub, builds: tuple[str, str]) -> None:
    admin = hub.admin
    for nvr in builds:
        tag_by_task(hub, "base", nvr)
    rpms, found = admin.listTaggedRPMS("dist", inherit=True, latest=True)
    assert nvrs(found) == [builds[1]]
    assert {(rpm["version"], rpm["arch"]) for rpm in rpms} == {("2.0", "src"), ("2.0", "noarch")}
    assert set(rpms[0]) == {
        *("name", "version", "release", "arch", "id", "epoch", "draft", "payloadhash", "size"),
        *("buildtime", "buildroot_id", "build_id", "metadata_only", "extra"),
    }
    rpms, found = admin.listTaggedRPMS("base", arch="noarch", extra=False, rpmsigs=True)
    assert [(rpm["version"], rpm["sigkey"]) for rpm in rpms] == [("2.0", ""), ("1.0", "")]
    assert "extra" not in rpms[0]
    assert len(found) == 2
    assert admin.getLatestRPMS("dist", arch=["src"])[0][0]["arch"] == "src"
    assert admin.listTaggedRPMS("dist") == [[], []]
