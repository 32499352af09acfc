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
