"""Tags that are made, changed and deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import koji
import pytest

if TYPE_CHECKING:
    from tests.unit.testbed.hub.content_hub import Caller, ContentHub


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
