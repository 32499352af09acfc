"""A task's life: FREE, ASSIGNED, OPEN, then CLOSED, FAILED or CANCELED. The functions that move it along.

They change the row and nothing else; whether the caller may is judged by the exposed functions, in
`task_calls.py` and `host_calls.py`. A task belongs to a host and the state OPEN, not to a session.
"""

import xmlrpc.client
from typing import Any

import koji

from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row
from koji_adjutant.testbed.hub.rpc.registry import TASK_CANCELED
from koji_adjutant.testbed.hub.rpc.times import add_times
from koji_adjutant.testbed.hub.rpc.values import as_int

FREE: int = koji.TASK_STATES["FREE"]
OPEN: int = koji.TASK_STATES["OPEN"]
CLOSED: int = koji.TASK_STATES["CLOSED"]
CANCELED: int = koji.TASK_STATES["CANCELED"]
ASSIGNED: int = koji.TASK_STATES["ASSIGNED"]
FAILED: int = koji.TASK_STATES["FAILED"]
FINISHED = frozenset({CLOSED, CANCELED, FAILED})

COLUMNS = (
    "task.id, state, create_ts, start_ts, completion_ts, channel_id, host_id, parent, label, waiting, "
    "awaited, owner, method, arch, priority, weight"
)


def find_task(call: Call, task_id: Any) -> Row | None:
    """The whole row, request and result included."""
    return call.db.one("SELECT * FROM task WHERE id = ?", (as_int(task_id),))


def get_task(call: Call, task_id: Any) -> Row:
    row = find_task(call, task_id)
    if row is None:
        raise koji.GenericError(f"No such task: {task_id}")
    return row


def lock_task(call: Call, task_id: Any) -> Row:
    """The row, once no upload holds it: for what changes the task or relies on its state."""
    row = get_task(call, task_id)
    call.lock_task(row["id"])
    return row


def task_info(call: Call, task_id: Any, *, strict: bool = True, request: bool = False) -> Row | None:
    """A task as getTaskInfo answers it."""
    row = call.db.one(f"SELECT {COLUMNS}, request FROM task WHERE id = ?", (as_int(task_id),))
    if row is None:
        if strict:
            raise koji.GenericError(f"No such task: {task_id}")
        return None
    return shown(row, request=request)


def shown(row: Row, *, request: bool) -> Row:
    """A row with its times as text, its request decoded or left out."""
    add_times(row, "create", "start", "completion")
    xml = row.pop("request")
    if request:
        row["request"] = decode_request(xml)
    return row


def decode_request(xml: str) -> list[Any]:
    return list(xmlrpc.client.loads(xml)[0])


def task_result(call: Call, task_id: Any, *, raise_fault: bool = True) -> Any:
    """The result of a finished task; its fault is raised, or returned as a dict."""
    row = get_task(call, task_id)
    if row["state"] == CANCELED:
        raise koji.GenericError(f"Task {row['id']} is canceled")
    if row["state"] not in FINISHED:
        raise koji.GenericError(f"Task {row['id']} is not finished")
    try:
        return xmlrpc.client.loads(row["result"])[0][0]
    except xmlrpc.client.Fault as fault:
        if raise_fault:
            raise
        return {"faultCode": fault.faultCode, "faultString": fault.faultString}


def is_task_of_host(call: Call, task_id: Any, host_id: int | None) -> bool:
    """Whether the task is OPEN on that host."""
    if host_id is None:
        return False
    row = lock_task(call, task_id)
    return bool(row["state"] == OPEN and row["host_id"] == host_id)


def require_task_of_host(call: Call, task_id: Any) -> int:
    """The calling host's id; the task must be OPEN on it."""
    host_id = call.require_host()
    if not is_task_of_host(call, task_id, host_id):
        raise koji.ActionNotAllowed(f"host {host_id} does not own task {task_id}")
    return host_id


def assign(call: Call, task_id: Any, host_id: int, *, force: bool = False) -> bool:
    row = lock_task(call, task_id)
    if not force:
        if row["state"] == ASSIGNED and row["host_id"] == host_id:
            return True
        if row["state"] != FREE or row["host_id"] is not None:
            return False
    call.db.update("task", {"id": row["id"]}, state=ASSIGNED, host_id=host_id)
    return True


def open_task(call: Call, task_id: Any, host_id: int) -> Row | None:
    """Open a task that is assigned to the host, or free; None if it is neither."""
    row = lock_task(call, task_id)
    free = row["state"] == FREE and row["host_id"] is None
    if not free and not (row["state"] == ASSIGNED and row["host_id"] == host_id):
        return None
    call.db.update("task", {"id": row["id"]}, state=OPEN, host_id=host_id, start_ts=call.now())
    opened = get_task(call, task_id)
    opened.pop("result")
    return add_times(opened, "create", "start", "completion")


def free_task(call: Call, task_id: Any) -> None:
    row = lock_task(call, task_id)
    if row["state"] in FINISHED:
        raise koji.GenericError(f"Cannot free task {row['id']}, state is {koji.TASK_STATES[row['state']]}")
    call.db.update("task", {"id": row["id"]}, state=FREE, host_id=None)


def finish_task(call: Call, task_id: Any, result: Any, state: int) -> None:
    call.db.update("task", {"id": as_int(task_id)}, state=state, result=result, completion_ts=call.now())


def cancel_task(call: Call, task_id: Any, *, recurse: bool = True) -> bool:
    """Cancel it unless it is finished, and its children with it; whether it is canceled now."""
    row = lock_task(call, task_id)
    if row["state"] == CANCELED:
        return True
    if row["state"] in FINISHED:
        return False
    call.db.update("task", {"id": row["id"]}, state=CANCELED, completion_ts=call.now())
    for canceled in TASK_CANCELED:
        canceled(call, row["id"])
    if recurse:
        cancel_children(call, row["id"])
    return True


def cancel_children(call: Call, task_id: int) -> None:
    for child in child_ids(call, task_id):
        cancel_task(call, child)


def child_ids(call: Call, task_id: int) -> list[int]:
    return call.db.values("SELECT id FROM task WHERE parent = ? ORDER BY id", (task_id,))


def cancel_family(call: Call, task_id: Any, *, strict: bool) -> None:
    """Cancel every task of the tree that this one belongs to; with `strict` it must be the top."""
    row = get_task(call, task_id)
    if strict and row["parent"] is not None:
        raise koji.GenericError(f"Task {row['id']} is not top-level (parent={row['parent']})")
    while row["parent"] is not None:
        row = get_task(call, row["parent"])
    pending = [row["id"]]
    while pending:
        current = pending.pop(0)
        cancel_task(call, current, recurse=False)
        pending += child_ids(call, current)


def set_priority(call: Call, task_id: int, priority: int, *, recurse: bool) -> None:
    call.db.update("task", {"id": task_id}, priority=priority)
    if recurse:
        for child in child_ids(call, task_id):
            set_priority(call, child, priority, recurse=True)
