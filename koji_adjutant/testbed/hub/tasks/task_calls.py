"""What users call about tasks: make, look at, cancel, reprioritise."""

import xmlrpc.client
from typing import Any

import koji

from koji_adjutant.testbed.hub.people.hosts import require_host
from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row, marks
from koji_adjutant.testbed.hub.rpc.registry import exposed
from koji_adjutant.testbed.hub.rpc.times import add_times, epoch_seconds
from koji_adjutant.testbed.hub.rpc.values import as_int
from koji_adjutant.testbed.hub.tasks import tasks
from koji_adjutant.testbed.hub.tasks.new_tasks import make_task
from koji_adjutant.testbed.hub.tasks.scheduler import Scheduler

TIMES = {
    "createdBefore": "create_ts <",
    "createdAfter": "create_ts >",
    "startedBefore": "start_ts <",
    "startedAfter": "start_ts >",
    "completeBefore": "completion_ts <",
    "completeAfter": "completion_ts >",
    "completedBefore": "completion_ts <",
    "completedAfter": "completion_ts >",
}

# What a client may order by: every column that it is shown.
ORDERED = frozenset(name.removeprefix("task.") for name in tasks.COLUMNS.split(", "))


@exposed("makeTask")
def make_any_task(call: Call, method: Any, arglist: Any, **opts: Any) -> int:
    call.require_permission("admin")
    if "owner" in opts:
        raise koji.ActionNotAllowed("The owner option is not allowed here")
    return make_task(call, method, arglist, **opts)


@exposed("restartHosts")
def restart_hosts(call: Call, priority: Any = 5, options: Any = None) -> int:
    """What `koji restart-hosts` asks for; the task finds the hosts."""
    call.require_permission("host")
    if not isinstance(options, dict | None):
        raise koji.ParameterError(f"Invalid type of options: {type(options)}")
    return make_task(call, "restartHosts", [] if options is None else [options], priority=priority)


@exposed("getTaskInfo")
def get_task_info(call: Call, task_id: Any, request: bool = False, strict: bool = False) -> Any:
    if isinstance(task_id, list | tuple):
        return [tasks.task_info(call, each, strict=strict, request=request) for each in task_id]
    return tasks.task_info(call, task_id, strict=strict, request=request)


@exposed("getTaskChildren")
def get_task_children(call: Call, task_id: Any, request: bool = False, strict: bool = False) -> list[Row]:
    if strict:
        tasks.get_task(call, task_id)
    rows = call.db.all(
        f"SELECT {tasks.COLUMNS}, request FROM task WHERE parent = ? ORDER BY id", (as_int(task_id),)
    )
    return [tasks.shown(row, request=request) for row in rows]


@exposed("getTaskDescendents")
def get_task_descendents(call: Call, task_id: Any, request: bool = False) -> dict[str, list[Row]]:
    children = get_task_children(call, task_id, request)
    found = {str(as_int(task_id)): children}
    for child in children:
        found |= get_task_descendents(call, child["id"], request)
    return found


@exposed("getTaskRequest")
def get_task_request(call: Call, taskId: Any) -> list[Any]:
    return tasks.decode_request(tasks.get_task(call, taskId)["request"])


@exposed("getTaskResult")
def get_task_result(call: Call, taskId: Any, raise_fault: bool = True) -> Any:
    return tasks.task_result(call, taskId, raise_fault=raise_fault)


@exposed("taskFinished")
def task_finished(call: Call, taskId: Any) -> bool:
    return tasks.get_task(call, taskId)["state"] in tasks.FINISHED


@exposed("cancelTask")
def cancel_task(call: Call, task_id: Any, recurse: bool = True) -> None:
    _require_control(call, task_id)
    tasks.cancel_task(call, task_id, recurse=recurse)


@exposed("cancelTaskChildren")
def cancel_task_children(call: Call, task_id: Any) -> None:
    call.require_login()
    _require_control(call, task_id)
    tasks.cancel_children(call, as_int(task_id))


@exposed("cancelTaskFull")
def cancel_task_full(call: Call, task_id: Any, strict: bool = True) -> None:
    call.require_permission("admin")
    tasks.cancel_family(call, task_id, strict=strict)


def _require_control(call: Call, task_id: Any) -> None:
    """The task's owner, the host that has it open, or an admin."""
    row = tasks.lock_task(call, task_id)
    owned = call.session.user_id is not None and row["owner"] == call.session.user_id
    if not (
        owned or tasks.is_task_of_host(call, task_id, call.session.host_id) or call.has_permission("admin")
    ):
        raise koji.ActionNotAllowed("Cannot cancel task, not owner")


@exposed("freeTask")
def free_task(call: Call, task_id: Any) -> None:
    call.require_permission("admin")
    tasks.free_task(call, task_id)


@exposed("setTaskPriority")
def set_task_priority(call: Call, task_id: Any, priority: Any, recurse: bool = True) -> None:
    call.require_permission("admin")
    row = tasks.get_task(call, task_id)
    if row["state"] in tasks.FINISHED:
        raise koji.GenericError("Finished task's priority can't be updated")
    tasks.set_priority(call, row["id"], as_int(priority), recurse=recurse)


@exposed("assignTask")
def assign_task(call: Call, task_id: Any, host: Any, force: bool = False, override: bool = False) -> bool:
    """Give a task to a host; with `override` the scheduler never takes it back."""
    task, host_id = as_int(task_id), require_host(call, host)["id"]
    call.require_permission("admin")
    return Scheduler(call).assign(task, host_id, force=force, override=override)


@exposed("listTasks")
def list_tasks(call: Call, opts: Any = None, queryOpts: Any = None) -> Any:
    """Tasks that match every one of `opts`, with `queryOpts` order, offset, limit, countOnly."""
    opts, options = opts or {}, queryOpts or {}
    clauses, params = _conditions(opts)
    where = f"FROM task LEFT JOIN users ON users.id = owner WHERE {' AND '.join(clauses)}"
    if options.get("countOnly"):
        return call.db.value(f"SELECT COUNT(*) {where}", params)
    rows = call.db.all(
        f"SELECT {tasks.COLUMNS}, request, result, users.name AS owner_name, usertype AS owner_type "
        f"{where} ORDER BY {_order(options)} LIMIT ? OFFSET ?",
        [*params, -1 if options.get("limit") is None else options["limit"], options.get("offset") or 0],
    )
    for row in rows:
        add_times(row, "create", "start", "completion")
        if opts.get("decode"):
            row |= {name: _decoded(row[name]) for name in ("request", "result") if row[name]}
    return rows


def _conditions(opts: dict[str, Any]) -> tuple[list[str], list[Any]]:
    clauses, params = ["1"], []
    for name in ("arch", "state", "owner", "host_id", "channel_id", "parent"):
        for key, inside, outside in ((name, "IN", "IS"), (f"not_{name}", "NOT IN", "IS NOT")):
            if key not in opts:
                continue
            value = opts[key]
            if isinstance(value, list):
                clauses.append(f"{name} {inside} ({marks(value)})")
                params += value
            else:
                clauses.append(f"{name} {outside} ?")
                params.append(value)
    if "method" in opts:
        clauses.append("method = ?")
        params.append(opts["method"])
    for key, comparison in TIMES.items():
        if opts.get(key) is not None:
            clauses.append(f"{comparison} ?")
            params.append(epoch_seconds(opts[key]))
    return clauses, params


def _order(options: dict[str, Any]) -> str:
    columns = []
    for key in (options.get("order") or "id").split(","):
        name = key.removeprefix("-").replace("_time", "_ts")
        if name not in ORDERED:
            raise koji.ParameterError(f"cannot order tasks by {name!r}: no such field")
        columns.append(f"task.{name} {'DESC' if key.startswith('-') else 'ASC'}")
    return ", ".join(columns)


def _decoded(xml: str) -> Any:
    try:
        return list(xmlrpc.client.loads(xml)[0])
    except xmlrpc.client.Fault as fault:
        return {"faultCode": fault.faultCode, "faultString": fault.faultString}
