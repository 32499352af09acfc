"""Who wants mails: each user for itself, an administrator for everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import koji
import pytest

if TYPE_CHECKING:
    from tests.unit.testbed.hub.content_hub import ContentHub


@pytest.fixture
def listed(hub: ContentHub) -> ContentHub:
    hub.tag("dist")
    hub.listed("dist", "hello")
    return hub


def test_what_one_wants_of_a_package_and_a_tag(listed: ContentHub) -> None:
    alice = listed.user("alice")
    user = alice.getLoggedInUser()["id"]
    alice.createNotification(user, "hello", "dist", True)
    alice.createNotification(user, None, None, False)
    package, tag = listed.admin.getPackageID("hello"), listed.admin.getTag("dist")["id"]
    first, second = alice.getBuildNotifications()
    assert first == {
        "id": first["id"],
        "user_id": user,
        "package_id": package,
        "tag_id": tag,
        "success_only": True,
        "email": "alice@None",
    }
    assert (second["package_id"], second["tag_id"], second["success_only"]) == (None, None, False)
    assert listed.anonymous.getBuildNotification(first["id"]) == first
    with pytest.raises(koji.GenericError, match="notification already exists"):
        alice.createNotification(user, "hello", tag, 1)
    alice.updateNotification(second["id"], None, "dist", True)
    assert alice.getBuildNotification(second["id"])["tag_id"] == tag
    alice.deleteNotification(first["id"])
    assert alice.getBuildNotification(first["id"]) is None
    with pytest.raises(koji.GenericError, match=f"No notification with ID {first['id']} found"):
        alice.deleteNotification(first["id"])


def test_what_one_does_not_want(listed: ContentHub) -> None:
    alice = listed.user("alice")
    alice.createNotificationBlock("alice", tag_id="dist")
    (block,) = listed.admin.getBuildNotificationBlocks("alice")
    assert (block["package_id"], block["tag_id"]) == (None, listed.admin.getTag("dist")["id"])
    with pytest.raises(koji.GenericError, match="notification already exists"):
        alice.createNotificationBlock("alice", None, "dist")
    assert alice.getBuildNotificationBlock(block["id"]) == block
    alice.deleteNotificationBlock(block["id"])
    with pytest.raises(koji.GenericError, match="No notification block with ID"):
        alice.getBuildNotificationBlock(block["id"], strict=True)


def test_only_an_administrator_speaks_for_others(listed: ContentHub) -> None:
    alice, bob = listed.user("alice"), listed.user("bob")
    listed.admin.createNotification("alice", None, None, False)
    listed.admin.createNotificationBlock("alice")
    wanted = alice.getBuildNotifications()[0]["id"]
    unwanted = alice.getBuildNotificationBlocks()[0]["id"]
    for refused, arguments in (
        ("createNotification", ("alice", "hello", None, False)),
        ("createNotificationBlock", ("alice", "hello")),
        ("updateNotification", (wanted, "hello", None, False)),
        ("deleteNotification", (wanted,)),
        ("deleteNotificationBlock", (unwanted,)),
    ):
        with pytest.raises(koji.GenericError, match=r"user \w+ cannot"):
            getattr(bob, refused)(*arguments)
        with pytest.raises(koji.GenericError, match="Not logged-in"):
            getattr(listed.anonymous, refused)(*arguments)
    assert len(alice.getBuildNotifications()) == len(alice.getBuildNotificationBlocks()) == 1


def test_names_that_are_none(listed: ContentHub) -> None:
    with pytest.raises(koji.GenericError, match="No such user ID: nobody"):
        listed.admin.createNotification("nobody", None, None, False)
    with pytest.raises(koji.GenericError):
        listed.admin.createNotification("admin", "none", None, False)
    with pytest.raises(koji.GenericError):
        listed.admin.createNotification("admin", None, "none", False)
