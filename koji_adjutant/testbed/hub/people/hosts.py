"""Hosts: the builders as the hub knows them. What they can do is versioned, how they fare is not."""

import re
from typing import Any

import koji

from koji_adjutant.testbed.hub.people.users import (
    HOST,
    NORMAL,
    add_user,
    get_user,
    require_user,
    require_user_name,
)
from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row
from koji_adjutant.testbed.hub.rpc.lookups import id_of, key_of
from koji_adjutant.testbed.hub.rpc.query_options import apply_options
from koji_adjutant.testbed.hub.rpc.registry import exposed
from koji_adjutant.testbed.hub.rpc.times import utc_text
from koji_adjutant.testbed.hub.rpc.values import arch_list, require_name, require_type, sliced
from koji_adjutant.testbed.hub.rpc.versions import at_event, create_version, revoke_versions

SELECT = (
    "SELECT host.id, host.user_id, host.name, host.update_ts, host.ready, host.task_load, "
    "arches, capacity, description, comment, enabled FROM host_config JOIN host ON host.id = host_id "
)
CONFIG = ("arches", "capacity", "description", "comment", "enabled")


def find_host(call: Call, info: Any, event: int | None = None) -> Row | None:
    column, value = key_of(info)
    return call.db.one(f"{SELECT} WHERE host.{column} = ? AND {at_event(event, 'host_config')}", (value,))


def require_host(call: Call, info: Any, event: int | None = None) -> Row:
    host = find_host(call, info, event)
    if host is None:
        raise koji.GenericError(f"Invalid hostInfo: {info}")
    return host


@exposed("getHost")
def get_host(call: Call, hostInfo: Any, strict: bool = False, event: Any = None) -> Row | None:
    return require_host(call, hostInfo, event) if strict else find_host(call, hostInfo, event)


@exposed("listHosts")
def list_hosts(
    call: Call,
    arches: Any = None,
    channelID: Any = None,
    ready: Any = None,
    enabled: Any = None,
    userID: Any = None,
    queryOpts: Any = None,
) -> Any:
    hosts = call.db.all(f"{SELECT} WHERE host_config.active = 1 ORDER BY host.id")
    if arches is not None:
        hosts = [host for host in hosts if _takes_arch(host, arches)]
    if channelID is not None:
        members = call.db.values(
            "SELECT host_id FROM host_channels WHERE active = 1 AND channel_id = ?",
            (id_of(call, "channels", channelID),),
        )
        hosts = [host for host in hosts if host["id"] in members]
    if ready is not None:
        hosts = [host for host in hosts if host["ready"] == bool(ready)]
    if enabled is not None:
        hosts = [host for host in hosts if host["enabled"] == bool(enabled)]
    if userID is not None:
        user_id = require_user(call, userID)["id"]
        hosts = [host for host in hosts if host["user_id"] == user_id]
    return apply_options(hosts, queryOpts)


def _takes_arch(host: Row, arches: Any) -> bool:
    if not arches:
        raise koji.GenericError("arches option cannot be empty")
    wanted = arches if isinstance(arches, list | tuple) else [arches]
    return bool(set(wanted) & set(re.findall(r"\w+", host["arches"] or "")))


@exposed("addHost")
def add_host(call: Call, hostname: Any, arches: Any, krb_principal: Any = None, force: bool = False) -> int:
    call.require_permission("host")
    require_name(hostname)
    require_user_name(hostname)
    canonical = arch_list(" ".join(arches))
    if find_host(call, hostname):
        raise koji.GenericError(f"host already exists: {hostname}")
    host_id = call.db.insert("host", user_id=_host_user(call, hostname, krb_principal, force), name=hostname)
    create_version(call, "host_config", host_id=host_id, arches=canonical)
    create_version(call, "host_channels", host_id=host_id, channel_id=id_of(call, "channels", "default"))
    return host_id


def _host_user(call: Call, hostname: str, principal: Any, force: bool) -> int:
    wanted = {"name": hostname} | ({"krb_principal": principal} if principal else {})
    user = get_user(call, wanted)
    if user is None:
        return add_user(call, hostname, usertype=HOST, principal=principal)
    if user["usertype"] != HOST:
        if not (force and user["usertype"] == NORMAL):
            raise koji.GenericError(f"user {hostname} already exists and it is not a host")
        call.db.update("users", {"id": user["id"]}, usertype=HOST)
    return int(user["id"])


@exposed("editHost")
def edit_host(call: Call, hostInfo: Any, **kw: Any) -> bool:
    """Change arches, capacity, description, comment; whether anything changed."""
    call.require_permission("host")
    host = require_host(call, hostInfo)
    names = ("arches", "capacity", "description", "comment")
    changes = {name: kw[name] for name in names if name in kw and kw[name] != host[name]}
    if not changes:
        return False
    for name, value in changes.items():
        if name != "capacity":
            require_type(value, str)
    _replace_config(call, host, changes)
    return True


@exposed("enableHost")
def enable_host(call: Call, hostname: Any) -> None:
    _set_enabled(call, hostname, enabled=True)


@exposed("disableHost")
def disable_host(call: Call, hostname: Any) -> None:
    _set_enabled(call, hostname, enabled=False)


def _set_enabled(call: Call, info: Any, *, enabled: bool) -> None:
    call.require_permission("host")
    host = find_host(call, info)
    if host is None:
        raise koji.GenericError(f"host does not exist: {info}")
    _replace_config(call, host, {"enabled": enabled})


def _replace_config(call: Call, host: Row, changes: dict[str, Any]) -> None:
    revoke_versions(call, "host_config", host_id=host["id"])
    create_version(call, "host_config", host_id=host["id"], **{**sliced(host, CONFIG), **changes})


@exposed("getLastHostUpdate")
def get_last_host_update(call: Call, hostID: Any, ts: bool = False) -> Any:
    """When the host's user was last heard of, over all its sessions."""
    moment = call.db.value(
        "SELECT MAX(sessions.update_ts) FROM sessions JOIN host ON host.user_id = sessions.user_id "
        "WHERE host.id = ?",
        (hostID,),
    )
    return moment if ts else utc_text(moment)


@exposed("getAllArches")
def get_all_arches(call: Call) -> list[str]:
    rows = call.db.values("SELECT arches FROM host_config WHERE active = 1")
    return sorted({koji.canonArch(arch) for arches in rows for arch in (arches or "").split()})
