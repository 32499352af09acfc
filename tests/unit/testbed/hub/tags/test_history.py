"""queryHistory: what the client's list-history and untag-build read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import koji
import pytest

if TYPE_CHECKING:
    from tests.unit.testbed.hub.content_hub import Caller, ContentHub
    from tests.unit.testbed.hub.rpm_packages import Built


@pytest.fixture
def tagged(hub: ContentHub, hello: Built) -> ContentHub:
    """hello was tagged into `dist`, untagged, and tagged again."""
    hub.tag("dist")
    hub.tag("other", parent="dist")
    hub.listed("dist", "hello")
    hub.complete_build(hello)
    for _ in range(2):
        hub.admin.tagBuildBypass("dist", hello.nvr)
        hub.admin.untagBuild("dist", hello.nvr)
    hub.admin.tagBuildBypass("dist", hello.nvr)
    return hub


def listing(caller: Caller, **filters: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = caller.queryHistory(["tag_listing"], **filters)["tag_listing"]
    return rows


def test_a_row_has_the_real_hubs_fields(tagged: ContentHub, hello: Built) -> None:
    admin = tagged.admin
    (row,) = listing(admin, tag="dist", active=True)
    build = admin.getBuild(hello.nvr)
    assert row == {
        "build_id": build["id"],
        "tag_id": admin.getTag("dist")["id"],
        "tag.name": "dist",
        "name": "hello",
        "version": "1.0",
        "release": "1",
        "epoch": None,
        "build.state": koji.BUILD_STATES["COMPLETE"],
        "active": True,
        "create_event": admin.getLastEvent()["id"],
        "create_ts": admin.getLastEvent()["ts"],
        "creator_id": 1,
        "creator_name": "admin",
        "revoke_event": None,
        "revoke_ts": None,
        "revoker_id": None,
        "revoker_name": None,
    }


def test_filters(tagged: ContentHub, hello: Built) -> None:
    admin = tagged.admin
    rows = listing(admin, build=hello.nvr)
    assert [row["active"] for row in rows] == [None, None, True]
    assert len(listing(admin, package="hello", active=False)) == 2
    assert listing(admin, tag="other") == []
    assert len(listing(admin, editor="admin")) == 3
    last = rows[-1]
    (after,) = listing(admin, afterEvent=last["create_event"] - 1)
    assert (after["_created_after_event"], after["_revoked_after_event"]) == (True, None)
    assert len(listing(admin, before=last["create_ts"])) == 2
    assert len(listing(admin, queryOpts={"limit": 2})) == 2
    with pytest.raises(koji.GenericError, match="No such build"):
        listing(admin, build="nothing-1-1")


def test_tables_that_a_filter_does_not_concern_are_left_out(tagged: ContentHub) -> None:
    admin = tagged.admin
    assert set(admin.queryHistory(package="hello")) == {
        "group_package_listing",
        "tag_listing",
        "tag_packages",
        "tag_package_owners",
    }
    assert admin.queryHistory(["tag_listing"], user="admin") == {}
    assert {row["parent.name"] for row in admin.queryHistory(tag="dist")["tag_inheritance"]} == {"dist"}
    assert admin.queryHistory(user="admin")["user_perms"][0]["permission.name"] == "admin"
    with pytest.raises(koji.GenericError, match="No such history table"):
        admin.queryHistory(["sqlite_master"])


def test_every_table_answers(tagged: ContentHub) -> None:
    history = tagged.admin.queryHistory()
    assert {"tag_config", "host_config", "group_req_listing"} <= set(history)
    assert {row["tag.name"] for row in history["tag_config"]} == {"dist", "other"}


def test_headers_of_rpms(tagged: ContentHub, hello: Built) -> None:
    admin = tagged.admin
    headers = admin.getRPMHeaders("hello-1.0-1.noarch", headers=["name", "sourcerpm"])
    assert headers == {"name": "hello", "sourcerpm": hello.srpm.name}
    assert admin.getRPMHeaders("nothing-1-1.noarch") == {}
    task_id = admin.getBuild(hello.nvr)["task_id"]
    source = admin.getRPMHeaders(taskID=task_id, filepath=hello.srpm.name, headers=["name"])
    assert source == {"name": "hello"}
    with pytest.raises(koji.GenericError, match="No such rpm"):
        admin.getRPMHeaders("nothing-1-1.noarch", strict=True)
    with pytest.raises(koji.GenericError, match="Invalid filepath"):
        admin.getRPMHeaders(taskID=1, filepath="../../secret")
