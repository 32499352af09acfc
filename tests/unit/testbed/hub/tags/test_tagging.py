"""Tagging and what is then in a tag: order, inheritance, blocks and locks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import koji
import pytest

from tests.unit.testbed.hub.tags.tagged_builds import nvrs, tag_by_task

if TYPE_CHECKING:
    from tests.unit.testbed.hub.content_hub import Caller, ContentHub


def test_untagging_is_seen_from_its_event_on(hub: ContentHub, builds: tuple[str, str]) -> None:
    admin = hub.admin
    tag_by_task(hub, "base", builds[0])
    event = admin.getLastEvent()["id"]
    admin.untagBuild("base", builds[0])
    assert admin.listTagged("base") == []
    assert nvrs(admin.listTagged("base", event=event)) == [builds[0]]
    with pytest.raises(koji.TagError, match=r"not in tag base"):
        admin.untagBuild("base", builds[0])
    admin.untagBuild("base", builds[0], strict=False)


def test_a_build_is_tagged_once(hub: ContentHub, builds: tuple[str, str]) -> None:
    tag_by_task(hub, "base", builds[0])
    event = hub.admin.getLastEvent()["id"]
    with pytest.raises(koji.TagError, match=r"already tagged \(base\)"):
        tag_by_task(hub, "base", builds[0])
    tag_by_task(hub, "base", builds[0], force=True)
    assert hub.admin.listTagged("base")[0]["create_event"] > event


def test_a_package_must_be_listed_and_not_blocked(hub: ContentHub, builds: tuple[str, str]) -> None:
    hub.tag("other")
    with pytest.raises(koji.TagError, match="Package hello not in list for other"):
        tag_by_task(hub, "other", builds[0])
    with pytest.raises(koji.TagError, match="Package hello not in list for other"):
        hub.admin.tagBuild("other", builds[0])
    hub.listed("other", "hello")
    hub.admin.packageListBlock("other", "hello")
    with pytest.raises(koji.TagError, match="Package hello blocked in other"):
        tag_by_task(hub, "other", builds[0])


def test_an_administrator_lists_the_package_by_force(hub: ContentHub, builds: tuple[str, str]) -> None:
    hub.tag("other")
    task_id = hub.admin.tagBuild("other", builds[0], force=True)
    assert hub.admin.checkTagPackage("other", "hello") is True
    build, tag = hub.admin.getBuild(builds[0])["id"], hub.admin.getTag("other")["id"]
    assert hub.admin.getTaskInfo(task_id, request=True)["request"] == [tag, build, True, None]


def test_only_complete_builds_are_tagged(hub: ContentHub, builder: Caller) -> None:
    hub.tag()
    hub.listed("dist", "hello")
    data = {"name": "hello", "version": "3", "release": "1", "epoch": None, "task_id": hub.task(builder)}
    builder.host.initBuild(data)
    with pytest.raises(koji.TagError, match="not complete: state BUILDING"):
        hub.admin.tagBuild("dist", "hello-3-1")
    with pytest.raises(koji.TagError, match="not complete: state BUILDING"):
        tag_by_task(hub, "dist", "hello-3-1", force=True)


def test_a_locked_tag_takes_changes_from_administrators_by_force(
    hub: ContentHub, builds: tuple[str, str]
) -> None:
    admin, alice = hub.admin, hub.user("alice")
    tag_by_task(hub, "base", builds[1])
    admin.editTag2("base", locked=True)
    for user in (alice, admin):
        with pytest.raises(koji.ActionNotAllowed, match="tag is locked"):
            tag_by_task(hub, "base", builds[0], user=user)
    with pytest.raises(koji.ActionNotAllowed, match="tag is locked"):
        tag_by_task(hub, "base", builds[0], user=alice, force=True)
    with pytest.raises(koji.ActionNotAllowed, match="tag is locked"):
        admin.untagBuild("base", builds[1])
    tag_by_task(hub, "base", builds[0], user=admin, force=True)
    assert len(admin.listTagged("base")) == 2


def test_a_tag_may_want_a_permission(hub: ContentHub, builds: tuple[str, str]) -> None:
    hub.admin.editTag2("base", perm="sign")
    alice = hub.user("alice")
    with pytest.raises(koji.ActionNotAllowed, match="tag requires sign permission"):
        tag_by_task(hub, "base", builds[0], user=alice)
    hub.admin.grantPermission("alice", "sign")
    tag_by_task(hub, "base", builds[0], user=alice)
    assert nvrs(hub.admin.listTagged("base")) == [builds[0]]


def test_moving_leaves_the_first_tag(hub: ContentHub, builds: tuple[str, str]) -> None:
    tag_by_task(hub, "base", builds[0])
    tag_by_task(hub, "dist", builds[0], fromtag="base")
    assert nvrs(hub.admin.listTagged("dist", inherit=True)) == [builds[0]]
    assert hub.admin.listTagged("base") == []
    assert [tag["name"] for tag in hub.admin.listTags(build=builds[0])] == ["dist"]


def test_tag_build_makes_a_task_of_higher_priority(hub: ContentHub, builds: tuple[str, str]) -> None:
    task = hub.admin.getTaskInfo(hub.admin.tagBuild("base", builds[0]), request=True)
    assert (task["method"], task["priority"]) == ("tagBuild", 10)
    assert task["request"][2:] == [False, None]


def test_tagging_directly_needs_the_permission(hub: ContentHub, builds: tuple[str, str]) -> None:
    with pytest.raises(koji.ActionNotAllowed):
        hub.user("alice").tagBuildBypass("base", builds[0])
    hub.admin.tagBuildBypass("base", builds[0])
    hub.admin.untagBuildBypass("base", builds[0])
    assert hub.admin.listTagged("base") == []


def test_notifications_are_for_hosts(hub: ContentHub, builder: Caller, builds: tuple[str, str]) -> None:
    assert builder.host.tagNotification(True, "base", None, builds[0], 1, True) is None
    with pytest.raises(koji.AuthError):
        hub.admin.host.tagNotification(True, "base", None, builds[0], 1, True)
