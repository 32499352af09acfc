"""Package lists of tags: owners, extra architectures, blocks, and what is inherited of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import koji
import pytest

if TYPE_CHECKING:
    from tests.unit.testbed.hub.content_hub import ContentHub


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
