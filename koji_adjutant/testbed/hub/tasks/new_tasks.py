"""Making a task: whose it is, how urgent, and which channel takes it."""

from dataclasses import dataclass
from typing import Any

import koji
from koji import xmlrpcplus

from koji_adjutant.testbed.hub.people.channels import find_channel
from koji_adjutant.testbed.hub.people.hosts import get_host
from koji_adjutant.testbed.hub.people.users import get_user
from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row
from koji_adjutant.testbed.hub.rpc.values import arch_list, as_int, require_type
from koji_adjutant.testbed.hub.tasks.refusals import refuse_hosts_of_other_arches
from koji_adjutant.testbed.hub.tasks.tasks import ASSIGNED, FREE, OPEN, get_task


@dataclass(frozen=True, kw_only=True)
class TaskOptions:
    """What a new task may be given. A subtask takes owner and arch from its parent where they are missing."""

    parent: Any = None
    label: Any = None
    owner: Any = None
    channel: Any = None
    arch: Any = None
    priority: Any = None
    assign: Any = None


def make_task(call: Call, method: Any, arglist: Any, **options: Any) -> int:
    """The id of a new task: FREE, or ASSIGNED where `assign` names a host."""
    require_type(method, str)
    wanted = _options(options)
    parent = None if wanted.parent is None else _open_parent(call, wanted.parent)
    host_id = None if wanted.assign is None else _host_id(call, wanted.assign)
    arch = arch_list(wanted.arch) or (parent["arch"] if parent else "noarch")
    task_id = call.db.insert(
        "task",
        state=FREE if host_id is None else ASSIGNED,
        host_id=host_id,
        create_ts=call.now(),
        channel_id=_channel_id(call, wanted.channel, parent),
        parent=parent["id"] if parent else None,
        label=wanted.label if parent else None,
        owner=_owner_id(call, wanted.owner, parent),
        method=method,
        request=xmlrpcplus.dumps(tuple(arglist), methodname=method),
        arch=arch,
        priority=_priority(wanted.priority, parent),
    )
    refuse_hosts_of_other_arches(call, task_id)
    return task_id


def _options(options: dict[str, Any]) -> TaskOptions:
    try:
        return TaskOptions(**options)
    except TypeError as error:
        raise koji.ParameterError(f"make_task: {error}") from error


def _open_parent(call: Call, task_id: Any) -> Row:
    parent = get_task(call, task_id)
    if parent["state"] != OPEN:
        raise koji.GenericError(f"Parent task (id {parent['id']}) is not open")
    return parent


def _host_id(call: Call, info: Any) -> int:
    if isinstance(info, int):
        return info
    host = get_host(call, info, strict=True)
    return int(host["id"]) if host else 0


def _owner_id(call: Call, owner: Any, parent: Row | None) -> int:
    if isinstance(owner, int):
        return owner
    if owner is not None:
        user = get_user(call, owner, strict=True)
        return int(user["id"]) if user else 0
    if parent is not None:
        return int(parent["owner"])
    if call.session.user_id is None:
        raise koji.GenericError("task must have an owner")
    return call.session.user_id


def _priority(priority: Any, parent: Row | None) -> int:
    if priority is not None:
        return as_int(priority)
    return parent["priority"] - 1 if parent else koji.PRIO_DEFAULT


def _channel_id(call: Call, channel: Any, parent: Row | None) -> int:
    """Koji's default policy: the channel that was asked for, else the parent's, else `default`."""
    if channel is None and parent is not None:
        return int(parent["channel_id"])
    found = find_channel(call, "default" if channel is None else channel)
    if found is None:
        raise koji.GenericError(f"No such channel: {channel}")
    if not found["enabled"]:
        raise koji.GenericError(f"Channel {found['name']} is disabled.")
    return int(found["id"])
