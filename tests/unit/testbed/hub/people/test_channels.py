"""Channels, and which hosts are in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import koji
import pytest

if TYPE_CHECKING:
    from tests.unit.testbed.hub.served import Session


def names(rows: list[dict[str, Any]]) -> list[str]:
    return [row["name"] for row in rows]


def test_a_channel_is_made_renamed_and_switched_off(admin: Session) -> None:
    channel = admin.addChannel("special", description="For a test.")
    with pytest.raises(koji.GenericError, match="already exists"):
        admin.addChannel("special")
    assert admin.editChannel("special", name="other", comment="!") is True
    assert admin.editChannel("other", comment="!") is False
    admin.renameChannel("other", "last")
    admin.disableChannel("last", comment="broken")
    expected = {
        "id": channel,
        "name": "last",
        "description": "For a test.",
        "enabled": False,
        "comment": "broken",
    }
    assert admin.getChannel("last") == expected
    assert expected in admin.listChannels(enabled=False)
    with pytest.raises(koji.GenericError, match=r"Channel last is disabled\."):
        admin.makeTask("sleep", [0], channel="last")
    with pytest.raises(koji.GenericError, match="No such channel"):
        admin.makeTask("sleep", [0], channel="nowhere")
    admin.enableChannel("last")
    assert admin.makeTask("sleep", [0], channel="last")


def test_hosts_in_channels(admin: Session) -> None:
    admin.addHost("b1", ["x86_64"])
    admin.addHostToChannel("b1", "fresh", create=True)
    before = admin.getLastEvent()["id"]
    with pytest.raises(koji.GenericError, match="already subscribed"):
        admin.addHostToChannel("b1", "fresh")
    admin.removeHostFromChannel("b1", "default")
    with pytest.raises(koji.GenericError, match="is not subscribed"):
        admin.removeHostFromChannel("b1", "default")
    assert names(admin.listChannels("b1")) == ["fresh"]
    assert names(admin.listChannels("b1", event=before)) == ["default", "fresh"]
    for host, channel in (("b1", "nowhere"), ("nobody", "fresh")):
        with pytest.raises(koji.GenericError, match="does not exist"):
            admin.addHostToChannel(host, channel)
    admin.disableChannel("vm")
    with pytest.raises(koji.GenericError, match="is disabled"):
        admin.addHostToChannel("b1", "vm")
    admin.addHostToChannel("b1", "vm", force=True)
