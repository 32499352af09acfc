"""Package groups: what a tag has of its own, inherits, and blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import koji
import pytest

if TYPE_CHECKING:
    from tests.unit.testbed.hub.content_hub import Caller, ContentHub


@pytest.fixture
def grouped(hub: ContentHub) -> ContentHub:
    """`base` has a group `build` of bash and gcc; `dist` inherits it."""
    hub.tag("base")
    hub.tag("dist", parent="base")
    hub.admin.groupListAdd("base", "build")
    for package in ("bash", "gcc"):
        hub.admin.groupPackageListAdd("base", "build", package)
    return hub


def names(groups: list[dict[str, Any]]) -> dict[str, set[str]]:
    return {group["name"]: {package["package"] for package in group["packagelist"]} for group in groups}


def test_groups_are_inherited(grouped: ContentHub) -> None:
    admin = grouped.admin
    assert names(admin.getTagGroups("dist")) == {"build": {"bash", "gcc"}}
    assert admin.getTagGroups("dist", inherit=False) == []


def test_a_group_has_the_real_hubs_fields(grouped: ContentHub) -> None:
    (group,) = grouped.admin.getTagGroups("base")
    package = next(entry for entry in group["packagelist"] if entry["package"] == "bash")
    assert package == {
        "group_id": group["group_id"],
        "tag_id": group["tag_id"],
        "package": "bash",
        "blocked": False,
        "type": "mandatory",
        "basearchonly": None,
        "requires": None,
    }
    del group["packagelist"]
    assert group == {
        "name": "build",
        "group_id": package["group_id"],
        "tag_id": package["tag_id"],
        "blocked": False,
        "exported": True,
        "display_name": "build",
        "is_default": None,
        "uservisible": True,
        "description": None,
        "langonly": None,
        "biarchonly": False,
        "grouplist": [],
    }


def test_a_child_adds_to_an_inherited_group_and_blocks_in_it(grouped: ContentHub) -> None:
    admin = grouped.admin
    admin.groupPackageListAdd("dist", "build", "make")
    admin.groupPackageListBlock("dist", "build", "gcc")
    assert names(admin.getTagGroups("dist")) == {"build": {"bash", "make"}}
    assert names(admin.getTagGroups("dist", incl_blocked=True)) == {"build": {"bash", "make", "gcc"}}
    assert names(admin.getTagGroups("base")) == {"build": {"bash", "gcc"}}
    with pytest.raises(koji.GenericError, match="package gcc blocked in group build"):
        admin.groupPackageListAdd("dist", "build", "gcc")
    admin.groupPackageListAdd("dist", "build", "gcc", force=True)
    assert "gcc" in names(admin.getTagGroups("dist"))["build"]


def test_a_blocked_group_is_gone_with_its_packages(grouped: ContentHub) -> None:
    admin = grouped.admin
    admin.groupListBlock("dist", "build")
    assert admin.getTagGroups("dist") == []
    with pytest.raises(koji.GenericError, match="is blocked in tag dist"):
        admin.groupListAdd("dist", "build")
    with pytest.raises(koji.GenericError, match="is blocked in tag dist"):
        admin.groupPackageListAdd("dist", "build", "make")


def test_a_package_needs_the_group_in_the_tag(grouped: ContentHub) -> None:
    grouped.tag("other")
    with pytest.raises(koji.GenericError, match="not present in tag other"):
        grouped.admin.groupPackageListAdd("other", "build", "bash")
    with pytest.raises(koji.GenericError, match="No such entry in table groups"):
        grouped.admin.groupPackageListAdd("base", "unheard-of", "bash")


def test_groups_at_an_event(grouped: ContentHub) -> None:
    admin = grouped.admin
    event = admin.getLastEvent()["id"]
    admin.groupPackageListRemove("base", "build", "gcc")
    assert names(admin.getTagGroups("base")) == {"build": {"bash"}}
    assert names(admin.getTagGroups("base", event=event)) == {"build": {"bash", "gcc"}}


def test_a_group_requires_another(grouped: ContentHub) -> None:
    admin = grouped.admin
    admin.groupListAdd("base", "srpm-build")
    admin.groupReqListAdd("base", "srpm-build", "build")
    groups = {group["name"]: group for group in admin.getTagGroups("base")}
    assert [required["name"] for required in groups["srpm-build"]["grouplist"]] == ["build"]
    admin.groupListBlock("dist", "build")
    (left,) = admin.getTagGroups("dist")
    assert (left["name"], left["grouplist"]) == ("srpm-build", [])


def test_adding_what_is_there_makes_no_event(grouped: ContentHub) -> None:
    admin = grouped.admin
    event = admin.getLastEvent()
    admin.groupListAdd("base", "build")
    admin.groupPackageListAdd("base", "build", "bash")
    assert admin.getLastEvent() == event


def test_a_removed_group_leaves_nothing(grouped: ContentHub) -> None:
    admin = grouped.admin
    admin.groupListRemove("base", "build")
    assert admin.getTagGroups("base") == []
    with pytest.raises(koji.GenericError, match="No group: build found"):
        admin.groupListRemove("base", "build")
    admin.groupListAdd("base", "build")
    assert names(admin.getTagGroups("base")) == {"build": set()}


def test_groups_need_the_permission(grouped: ContentHub, admin: Caller) -> None:
    someone = grouped.user("someone")
    with pytest.raises(koji.ActionNotAllowed):
        someone.groupListAdd("base", "other")
    with pytest.raises(koji.ActionNotAllowed):
        someone.groupPackageListAdd("base", "build", "make")
    assert names(admin.getTagGroups("base")) == {"build": {"bash", "gcc"}}
