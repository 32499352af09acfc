"""Channels: which hosts take which tasks."""

from typing import Any

import koji

from koji_adjutant.testbed.hub.people.hosts import find_host, require_host
from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row
from koji_adjutant.testbed.hub.rpc.lookups import find_or_create, key_of
from koji_adjutant.testbed.hub.rpc.registry import exposed
from koji_adjutant.testbed.hub.rpc.values import require_name, require_type
from koji_adjutant.testbed.hub.rpc.versions import at_event, create_version, revoke_versions

COLUMNS = "channels.id, channels.name, channels.description, channels.enabled, channels.comment"


def find_channel(call: Call, info: Any) -> Row | None:
    column, value = key_of(info)
    return call.db.one(f"SELECT {COLUMNS} FROM channels WHERE {column} = ?", (value,))


@exposed("getChannel")
def get_channel(call: Call, channelInfo: Any, strict: bool = False) -> Row | None:
    channel = find_channel(call, channelInfo)
    if channel is None and strict:
        raise koji.GenericError(f"No such channel: {channelInfo}")
    return channel


@exposed("listChannels")
def list_channels(call: Call, hostID: Any = None, event: Any = None, enabled: Any = None) -> list[Row]:
    if hostID:
        host_id = require_host(call, hostID)["id"] if isinstance(hostID, str) else hostID
        channels = call.db.all(
            f"SELECT {COLUMNS} FROM host_channels JOIN channels ON channels.id = channel_id "
            f"WHERE host_id = ? AND {at_event(event, 'host_channels')} ORDER BY channels.id",
            (host_id,),
        )
    elif event:
        raise koji.GenericError("list_channels with event and not host is not allowed.")
    else:
        channels = call.db.all(f"SELECT {COLUMNS} FROM channels ORDER BY id")
    if enabled is None:
        return channels
    return [channel for channel in channels if channel["enabled"] == bool(enabled)]


@exposed("addChannel")
def add_channel(call: Call, channel_name: Any, description: Any = None) -> int:
    call.require_permission("admin")
    require_name(channel_name)
    _require_new(call, channel_name)
    return call.db.insert("channels", name=channel_name, description=description)


@exposed("editChannel")
def edit_channel(call: Call, channelInfo: Any, **kw: Any) -> bool:
    call.require_permission("admin")
    channel = get_channel(call, channelInfo, strict=True) or {}
    names = ("name", "description", "comment")
    changes = {name: kw[name] for name in names if name in kw and kw[name] != channel[name]}
    if not changes:
        return False
    for value in changes.values():
        require_type(value, str)
    if "name" in changes:
        require_name(changes["name"])
        _require_new(call, changes["name"])
    call.db.update("channels", {"id": channel["id"]}, **changes)
    return True


@exposed("renameChannel")
def rename_channel(call: Call, old: Any, new: Any) -> None:
    edit_channel(call, old, name=new)


@exposed("enableChannel")
def enable_channel(call: Call, channelname: Any, comment: Any = None) -> None:
    _set_enabled(call, channelname, enabled=True, comment=comment)


@exposed("disableChannel")
def disable_channel(call: Call, channelname: Any, comment: Any = None) -> None:
    _set_enabled(call, channelname, enabled=False, comment=comment)


@exposed("addHostToChannel")
def add_host_to_channel(
    call: Call, hostname: Any, channel_name: Any, create: bool = False, force: bool = False
) -> None:
    call.require_permission("host")
    host = _existing_host(call, hostname)
    if create:
        require_name(channel_name)
        find_or_create(call, "channels", channel_name)
    channel = _existing_channel(call, channel_name)
    if not force and not channel["enabled"]:
        raise koji.GenericError(f"channel {channel_name} is disabled")
    if channel["id"] in {taken["id"] for taken in list_channels(call, host["id"])}:
        raise koji.GenericError(f"host {hostname} is already subscribed to the {channel_name} channel")
    create_version(call, "host_channels", host_id=host["id"], channel_id=channel["id"])


@exposed("removeHostFromChannel")
def remove_host_from_channel(call: Call, hostname: Any, channel_name: Any) -> None:
    call.require_permission("host")
    host, channel = _existing_host(call, hostname), _existing_channel(call, channel_name)
    if not revoke_versions(call, "host_channels", host_id=host["id"], channel_id=channel["id"]):
        raise koji.GenericError(f"host {hostname} is not subscribed to the {channel_name} channel")


def _existing_host(call: Call, info: Any) -> Row:
    host = find_host(call, info)
    if host is None:
        raise koji.GenericError(f"host does not exist: {info}")
    return host


def _existing_channel(call: Call, info: Any) -> Row:
    channel = find_channel(call, info)
    if channel is None:
        raise koji.GenericError(f"channel does not exist: {info}")
    return channel


def _require_new(call: Call, name: str) -> None:
    existing = find_channel(call, name)
    if existing is not None:
        raise koji.GenericError(f"channel {name} already exists (id={existing['id']})")


def _set_enabled(call: Call, info: Any, *, enabled: bool, comment: Any) -> None:
    call.require_permission("host")
    channel = find_channel(call, info)
    if channel is None:
        raise koji.GenericError(f"No such channel: {info}")
    call.db.update("channels", {"id": channel["id"]}, enabled=enabled)
    if comment is not None:
        require_type(comment, str)
        call.db.update("channels", {"id": channel["id"]}, comment=comment)
