"""Tags: configuration and extra data, now and at an event."""

from __future__ import annotations

from typing import TYPE_CHECKING

import koji
import pytest

if TYPE_CHECKING:
    from tests.unit.testbed.hub.content_hub import Caller, ContentHub

KEYS = {"arches", "id", "locked", "maven_include_all", "maven_support", "name", "perm", "perm_id", "extra"}


def test_a_tag_has_the_real_hubs_fields(hub: ContentHub, admin: Caller) -> None:
    tag_id = hub.tag("dist", arches="x86_64 i686", extra={"rpm.macro.dist": ".md1"})
    tag = admin.getTag("dist")
    assert set(tag) == KEYS
    assert tag == admin.getTag(tag_id)
    assert (tag["id"], tag["arches"], tag["locked"]) == (tag_id, "x86_64 i686", False)
    assert tag["extra"] == {"rpm.macro.dist": ".md1"}


def test_a_missing_tag_is_none_or_an_error(admin: Caller) -> None:
    assert admin.getTag("nothing") is None
    with pytest.raises(koji.GenericError, match="No such tagInfo"):
        admin.getTag("nothing", strict=True)
    with pytest.raises(koji.ParameterError):
        admin.getTag(None)


def test_a_tag_at_an_event_is_as_it_was_then(hub: ContentHub, admin: Caller) -> None:
    hub.tag("dist", arches="x86_64")
    event = admin.getLastEvent()["id"]
    admin.editTag2("dist", arches="x86_64 i686", extra={"key": "new"})
    then = admin.getTag("dist", event=event)
    assert (then["arches"], then["extra"], then["query_event"]) == ("x86_64", {}, event)
    now = admin.getTag("dist")
    assert (now["arches"], now["extra"]) == ("x86_64 i686", {"key": "new"})
    assert "query_event" not in now
    assert admin.getTag("dist", event=event - 1) is None


@pytest.mark.parametrize(
    ("name", "message"),
    [("dist", "already exists"), ("a b", "RegexNameInternal"), ("x" * 257, "too long"), (7, "string")],
)
def test_names_that_a_tag_cannot_have(hub: ContentHub, admin: Caller, name: str, message: str) -> None:
    hub.tag("dist")
    with pytest.raises(koji.GenericError, match=message):
        admin.createTag(name)


def test_only_those_with_the_permission_change_tags(hub: ContentHub) -> None:
    for call in (hub.user("someone").createTag, hub.anonymous.createTag):
        with pytest.raises(koji.ActionNotAllowed):
            call("dist")


def test_extra_data_is_added_changed_removed_and_blocked(hub: ContentHub, admin: Caller) -> None:
    hub.tag("dist", extra={"a": 1, "b": [1, 2], "c": "x"})
    admin.editTag2("dist", extra={"a": 2, "d": None}, remove_extra=["b"], block_extra=["c"])
    assert admin.getTag("dist")["extra"] == {"a": 2, "d": None}
    assert admin.getTag("dist", blocked=True)["extra"] == {
        "a": [False, 2],
        "c": [True, None],
        "d": [False, None],
    }


def test_extra_data_that_contradicts_itself(hub: ContentHub, admin: Caller) -> None:
    hub.tag("dist", extra={"a": 1})
    with pytest.raises(koji.GenericError, match="both add/update and remove"):
        admin.editTag2("dist", extra={"a": 2}, remove_extra=["a"])
    with pytest.raises(koji.GenericError, match="doesn't have extra: z"):
        admin.editTag2("dist", remove_extra=["z"])
    with pytest.raises(koji.ParameterError):
        admin.editTag2("dist", remove_extra="a")
    assert admin.getTag("dist")["extra"] == {"a": 1}


def test_a_change_that_changes_nothing_makes_no_event(hub: ContentHub, admin: Caller) -> None:
    hub.tag("dist")
    event = admin.getLastEvent()
    admin.editTag2("dist", arches="x86_64", locked=False)
    assert admin.getLastEvent() == event


def test_a_renamed_tag_keeps_its_id(hub: ContentHub, admin: Caller) -> None:
    tag_id = hub.tag("old")
    hub.tag("taken")
    admin.editTag2("old", name="new")
    assert admin.getTag("new")["id"] == tag_id
    with pytest.raises(koji.GenericError, match="already taken"):
        admin.editTag2("new", name="taken")


def test_a_deleted_tag_is_there_at_its_last_event_only(hub: ContentHub, admin: Caller) -> None:
    tag_id = hub.tag("dist")
    admin.deleteTag("dist")
    assert admin.getTag("dist") is None
    last = admin.getTag("dist", event="auto")
    assert (last["id"], last["revoke_event"]) == (tag_id, admin.getLastEvent()["id"])
    assert hub.tag("dist") == tag_id


def test_list_tags_by_build_package_and_pattern(hub: ContentHub, admin: Caller) -> None:
    for name in ("dist-a", "dist-b", "other"):
        hub.tag(name)
    hub.listed("dist-b", "hello")
    assert [tag["name"] for tag in admin.listTags(pattern="DIST-*")] == ["dist-a", "dist-b"]
    (tag,) = admin.listTags(package="hello")
    assert (tag["name"], tag["owner_name"], tag["blocked"]) == ("dist-b", "admin", False)
    assert admin.listTags(queryOpts={"order": "-name", "limit": 1})[0]["name"] == "other"
    with pytest.raises(koji.GenericError, match="No such package"):
        admin.listTags(package="nothing")


def test_build_config_inherits_arches_and_extra_data(hub: ContentHub, admin: Caller) -> None:
    base = hub.tag("base", arches="x86_64", extra={"from_base": 1, "both": "base", "blocked": 1})
    hub.tag("dist", parent="base", extra={"both": "dist"})
    admin.editTag2("dist", block_extra=["blocked"], arches=None)
    config = admin.getBuildConfig("dist")
    assert set(config) == KEYS | {"config_inheritance"}
    assert config["arches"] == "x86_64"
    assert config["extra"] == {"from_base": 1, "both": "dist"}
    origin = {"id": base, "name": "base"}
    assert config["config_inheritance"] == {"arches": origin, "extra": {"from_base": origin}}


def test_build_config_does_not_follow_noconfig_links(hub: ContentHub, admin: Caller) -> None:
    base = hub.tag("base", extra={"key": 1})
    hub.tag("dist")
    link = {"parent_id": base, "priority": 1, "maxdepth": None, "intransitive": False, "pkg_filter": ""}
    admin.setInheritanceData("dist", [{**link, "noconfig": True}])
    assert admin.getBuildConfig("dist")["extra"] == {}
