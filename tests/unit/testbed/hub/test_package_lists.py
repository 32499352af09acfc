"""Package lists of tags: owners, extra architectures, blocks, and what is inherited of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import koji
import pytest

if TYPE_CHECKING:
    from tests.unit.testbed.hub.content_hub import Caller, ContentHub


@pytest.fixture
def listed(hub: ContentHub) -> ContentHub:
    """`base` lists hello, of user alice; `dist` inherits it."""
    hub.user("alice")
    hub.tag("base")
    hub.tag("dist", parent="base")
    hub.admin.packageListAdd("base", "hello", "alice", extra_arches="i686")
    return hub


def test_an_entry_has_the_real_hubs_fields(listed: ContentHub) -> None:
    admin = listed.admin
    config = admin.getPackageConfig("dist", "hello")
    assert config == {
        "blocked": False,
        "extra_arches": "i686",
        "owner_id": admin.getUser("alice")["id"],
        "owner_name": "alice",
        "package_id": admin.getPackageID("hello"),
        "package_name": "hello",
        "tag_id": admin.getTag("base")["id"],
        "tag_name": "base",
    }
    assert admin.listPackages("dist", inherited=True) == [config]
    assert admin.listPackages("dist") == []


def test_a_package_that_no_tag_lists(listed: ContentHub) -> None:
    admin = listed.admin
    assert admin.getPackageConfig("dist", "nothing") is None
    assert admin.checkTagPackage("dist", "nothing") is False
    assert admin.getPackageID("nothing") is None
    with pytest.raises(koji.GenericError, match="No such package name"):
        admin.getPackageID("nothing", strict=True)


def test_a_child_blocks_what_it_inherits(listed: ContentHub) -> None:
    admin = listed.admin
    admin.packageListBlock("dist", "hello")
    assert admin.getPackageConfig("dist", "hello")["blocked"] is True
    assert admin.getPackageConfig("base", "hello")["blocked"] is False
    assert admin.checkTagPackage("dist", "hello") is False
    assert admin.listPackages("dist", with_blocked=False) == []
    with pytest.raises(koji.GenericError, match="package hello is blocked in tag dist"):
        admin.packageListAdd("dist", "hello", block=False)
    admin.packageListUnblock("dist", "hello")
    assert admin.getPackageConfig("dist", "hello")["tag_name"] == "base"


def test_an_inherited_block_is_undone_in_the_child(listed: ContentHub) -> None:
    admin = listed.admin
    admin.packageListBlock("base", "hello")
    admin.packageListUnblock("dist", "hello")
    config = admin.getPackageConfig("dist", "hello")
    assert (config["tag_name"], config["blocked"], config["owner_name"]) == ("dist", False, "alice")
    with pytest.raises(koji.GenericError, match="NOT blocked"):
        admin.packageListUnblock("dist", "hello")


def test_only_a_listed_package_is_blocked(listed: ContentHub) -> None:
    listed.tag("other")
    listed.admin.packageListAdd("other", "world", "admin")
    with pytest.raises(koji.GenericError, match="not in tag listing for base"):
        listed.admin.packageListBlock("base", "world")


def test_a_new_entry_needs_an_owner_unless_forced(listed: ContentHub) -> None:
    admin = listed.admin
    with pytest.raises(koji.GenericError, match="owner not specified"):
        admin.packageListAdd("base", "world")
    assert admin.getPackageID("world") is None
    admin.packageListAdd("base", "world", force=True)
    assert admin.getPackageConfig("base", "world")["owner_name"] == "admin"


def test_what_is_not_given_stays(listed: ContentHub) -> None:
    admin = listed.admin
    admin.packageListSetOwner("base", "hello", "admin")
    config = admin.getPackageConfig("base", "hello")
    assert (config["owner_name"], config["extra_arches"]) == ("admin", "i686")
    admin.packageListSetArches("base", "hello", "i686 noarch")
    config = admin.getPackageConfig("base", "hello")
    assert (config["owner_name"], config["extra_arches"]) == ("admin", "i686 noarch")
    with pytest.raises(koji.GenericError, match="cannot update: tag base has no data"):
        admin.packageListSetOwner("base", "world", "admin")


def test_the_same_again_makes_no_event(listed: ContentHub) -> None:
    admin = listed.admin
    event = admin.getLastEvent()
    admin.packageListAdd("base", "hello", "alice")
    assert admin.getLastEvent() == event


def test_filters_of_inheritance(listed: ContentHub, admin: Caller) -> None:
    listed.listed("base", "world")
    link = admin.getInheritanceData("dist")[0]
    admin.setInheritanceData("dist", [{**link, "pkg_filter": "wor"}])
    assert [entry["package_name"] for entry in admin.listPackages("dist", inherited=True)] == ["world"]


def test_listing_by_user_prefix_and_of_all(listed: ContentHub) -> None:
    admin = listed.admin
    listed.listed("base", "world")
    assert [entry["package_name"] for entry in admin.listPackages(userID="alice")] == ["hello"]
    assert [entry["package_name"] for entry in admin.listPackages("base", prefix="WO")] == ["world"]
    everything = admin.listPackages(queryOpts={"order": "-package_name"})
    assert [(set(entry), entry["package_name"]) for entry in everything] == [
        ({"package_id", "package_name"}, "world"),
        ({"package_id", "package_name"}, "hello"),
    ]
    without = admin.listPackages("base", with_owners=False)
    assert not any("owner_id" in entry for entry in without)
    with pytest.raises(koji.GenericError, match="can't be used together"):
        admin.listPackages(userID="alice", with_owners=False)


def test_duplicates_show_each_tags_entry(listed: ContentHub) -> None:
    admin = listed.admin
    admin.packageListAdd("dist", "hello", "admin", force=True)
    entries = admin.listPackages("dist", inherited=True, with_dups=True)
    assert [entry["tag_name"] for entry in entries] == ["dist", "base"]


def test_removing_shows_what_is_inherited_again(listed: ContentHub) -> None:
    admin = listed.admin
    admin.packageListAdd("dist", "hello", "admin", force=True)
    admin.packageListRemove("dist", "hello")
    assert admin.getPackageConfig("dist", "hello")["tag_name"] == "base"


def test_package_lists_need_the_permission(listed: ContentHub) -> None:
    with pytest.raises(koji.ActionNotAllowed, match="package_list"):
        listed.user("alice").packageListAdd("base", "world", "alice")
    listed.admin.grantPermission("alice", "tag")
    listed.user("alice").packageListAdd("base", "world", "alice")
    assert listed.admin.getPackageConfig("base", "world")["owner_name"] == "alice"
