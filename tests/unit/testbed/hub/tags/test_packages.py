"""Packages, and the lists of them that tags have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import koji
import pytest

if TYPE_CHECKING:
    from tests.unit.testbed.hub.content_hub import Caller, ContentHub


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
