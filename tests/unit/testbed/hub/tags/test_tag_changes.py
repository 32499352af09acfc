"""When a tag changed: what a repo's age is measured against."""

from __future__ import annotations

from typing import TYPE_CHECKING

import koji
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.testbed.hub.content_hub import Caller, ContentHub

CHANGES: dict[str, Callable[[Caller], None]] = {
    "arches": lambda admin: admin.editTag2("base", arches="i686"),
    "extra": lambda admin: admin.editTag2("base", extra={"a": 1}),
    "package": lambda admin: admin.packageListAdd("base", "hello", "admin"),
    "group": lambda admin: admin.groupListAdd("base", "build"),
    "group package": lambda admin: admin.groupPackageListAdd("base", "old", "bash"),
    "external repo": lambda admin: admin.addExternalRepoToTag("base", "second", 2),
    "external repo's url": lambda admin: admin.editExternalRepo("first", url="http://elsewhere.example"),
}


@pytest.fixture
def tags(hub: ContentHub) -> ContentHub:
    hub.tag("base")
    hub.tag("dist", parent="base")
    hub.tag("other")
    hub.admin.groupListAdd("base", "old")
    for name in ("first", "second"):
        hub.admin.createExternalRepo(name, f"http://{name}.example")
    hub.admin.addExternalRepoToTag("base", "first", 1)
    return hub


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_anywhere_above_counts(tags: ContentHub, change: str) -> None:
    admin = tags.admin
    before = admin.getLastEvent()["id"]
    other = admin.tagLastChangeEvent("other")
    CHANGES[change](admin)
    after = admin.getLastEvent()["id"]
    assert after > before
    assert admin.tagLastChangeEvent("dist") == after
    assert admin.tagLastChangeEvent("dist", before=after) == before
    assert admin.tagFirstChangeEvent("dist", after=before) == after
    assert admin.tagFirstChangeEvent("dist", after=after) is None
    assert admin.tagLastChangeEvent("other") == other


def test_a_parent_counts_until_it_is_none_any_more(tags: ContentHub) -> None:
    admin = tags.admin
    admin.setInheritanceData("dist", [], clear=True)
    left = admin.getLastEvent()["id"]
    assert admin.tagLastChangeEvent("dist") == left
    admin.editTag2("base", extra={"a": 1})
    assert admin.tagLastChangeEvent("dist") == left


def test_without_inheritance_only_the_tag_counts(tags: ContentHub) -> None:
    admin = tags.admin
    own = admin.tagLastChangeEvent("dist", inherit=False)
    admin.editTag2("base", extra={"a": 1})
    assert admin.tagLastChangeEvent("dist", inherit=False) == own


def test_a_deleted_tag_last_changed_when_it_was_deleted(tags: ContentHub) -> None:
    tags.admin.deleteTag("other")
    assert tags.admin.tagLastChangeEvent("other") == tags.admin.getLastEvent()["id"]


def test_changed_since_looks_at_exactly_these_tags(tags: ContentHub) -> None:
    admin = tags.admin
    base, dist = (admin.getTag(name)["id"] for name in ("base", "dist"))
    event = admin.getLastEvent()["id"]
    admin.editTag2("base", extra={"a": 1})
    assert admin.tagChangedSinceEvent(event, [dist, base]) is True
    assert admin.tagChangedSinceEvent(event, [dist]) is False


def test_events(tags: ContentHub) -> None:
    admin = tags.admin
    last = admin.getLastEvent()
    assert set(last) == {"id", "ts"}
    assert admin.getEvent(last["id"]) == last
    assert admin.getLastEvent(before=last["ts"])["id"] == last["id"] - 1
    assert admin.getEvent(last["id"] + 1, strict=False) is None
    with pytest.raises(koji.GenericError):
        admin.getEvent(last["id"] + 1)
    with pytest.raises(koji.GenericError):
        admin.getLastEvent(before=0)
