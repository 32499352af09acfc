"""The order in which a tag's ancestors count, and which of them do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import koji
import pytest

if TYPE_CHECKING:
    from tests.unit.testbed.hub.content_hub import Caller, ContentHub

LINK = {"maxdepth": None, "intransitive": False, "noconfig": False, "pkg_filter": ""}


def inherit(hub: ContentHub, child: str, **parents: dict[str, Any] | int) -> None:
    """Link a tag to parents by priority: `inherit(hub, "c", b=0, a={"priority": 5, ...})`."""
    links = [
        {
            **LINK,
            "parent_id": hub.admin.getTag(name)["id"],
            **(link if isinstance(link, dict) else {"priority": link}),
        }
        for name, link in parents.items()
    ]
    hub.admin.setInheritanceData(child, links)


def order(hub: ContentHub, tag: str, **options: Any) -> list[str]:
    return [link["name"] for link in hub.admin.getFullInheritance(tag, **options)]


def tags(hub: ContentHub, names: str) -> None:
    for name in names:
        hub.tag(name)


def test_parents_come_by_priority_and_depth_first(hub: ContentHub) -> None:
    tags(hub, "abcde")
    inherit(hub, "a", b=10, c=5)
    inherit(hub, "c", d=0)
    inherit(hub, "b", d=0, e=1)
    assert order(hub, "a") == ["c", "d", "b", "e"]


def test_a_link_has_the_real_hubs_fields(hub: ContentHub, admin: Caller) -> None:
    base = hub.tag("base")
    child = hub.tag("child", parent="base")
    link = {**LINK, "parent_id": base, "child_id": child, "name": "base", "priority": 0}
    assert admin.getInheritanceData("child") == [link]
    assert admin.getFullInheritance("child") == [{**link, "nextdepth": None, "currdepth": 1, "filter": []}]


def test_intransitive_links_count_at_the_start_only(hub: ContentHub) -> None:
    tags(hub, "abc")
    inherit(hub, "b", c={"priority": 0, "intransitive": True})
    inherit(hub, "a", b=0)
    assert order(hub, "b") == ["c"]
    assert order(hub, "a") == ["b"]


def test_maxdepth_ends_the_walk(hub: ContentHub) -> None:
    tags(hub, "abcd")
    inherit(hub, "a", b={"priority": 0, "maxdepth": 1})
    inherit(hub, "b", c=0)
    inherit(hub, "c", d=0)
    assert order(hub, "a") == ["b", "c"]
    assert order(hub, "b") == ["c", "d"]


def test_filters_add_up_and_a_tag_is_visited_again_without_them(hub: ContentHub, admin: Caller) -> None:
    tags(hub, "abc")
    inherit(hub, "a", b={"priority": 0, "pkg_filter": "^x"}, c=1)
    inherit(hub, "b", c={"priority": 0, "pkg_filter": "y$"})
    links = admin.getFullInheritance("a")
    assert [(link["name"], link["filter"]) for link in links] == [
        ("b", ["^x"]),
        ("c", ["^x", "y$"]),
        ("c", []),
    ]


def test_a_loop_is_cut(hub: ContentHub) -> None:
    tags(hub, "ab")
    inherit(hub, "a", b=0)
    inherit(hub, "b", a=0)
    assert order(hub, "a") == ["b"]


def test_reverse_gives_the_descendants(hub: ContentHub) -> None:
    tags(hub, "abc")
    inherit(hub, "a", b=0)
    inherit(hub, "b", c=0)
    assert order(hub, "c", reverse=True) == ["b", "a"]


def test_two_parents_of_one_priority_are_refused(hub: ContentHub) -> None:
    tags(hub, "abc")
    inherit(hub, "a", b=0)
    with pytest.raises(koji.GenericError, match="same priority value"):
        inherit(hub, "a", c=0)
    assert order(hub, "a") == ["b"]


def test_links_are_changed_deleted_and_cleared(hub: ContentHub, admin: Caller) -> None:
    tags(hub, "abc")
    inherit(hub, "a", b=0, c=1)
    event = admin.getLastEvent()["id"]
    inherit(hub, "a", b=2)
    assert order(hub, "a") == ["c", "b"]
    admin.setInheritanceData("a", {"parent_id": admin.getTag("c")["id"], "delete link": True})
    assert order(hub, "a") == ["b"]
    admin.setInheritanceData("a", [], clear=True)
    assert order(hub, "a") == []
    assert order(hub, "a", event=event) == ["b", "c"]


def test_a_link_must_be_complete(hub: ContentHub, admin: Caller) -> None:
    base = hub.tag("base")
    hub.tag("child")
    with pytest.raises(koji.GenericError, match="No value for priority"):
        admin.setInheritanceData("child", [{"parent_id": base}])
    with pytest.raises(koji.GenericError, match="No such tagInfo"):
        admin.setInheritanceData("child", [{**LINK, "parent_id": base + 10, "priority": 0}])
