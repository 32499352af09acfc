"""What a builder calls: `host.*` about itself and its tasks. Each needs the host's exclusive session."""

import json
from typing import Any

import koji

from koji_adjutant.testbed.hub.people.hosts import find_host
from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row, marks
from koji_adjutant.testbed.hub.rpc.registry import exposed
from koji_adjutant.testbed.hub.rpc.values import as_int, require_type
from koji_adjutant.testbed.hub.tasks import tasks as life
from koji_adjutant.testbed.hub.tasks.new_tasks import make_task
from koji_adjutant.testbed.hub.tasks.refusals import refuse
from koji_adjutant.testbed.hub.tasks.scheduler import tasks_for_host


@exposed("host.getID")
def get_id(call: Call) -> int:
    return call.require_host()


@exposed("host.getHost")
def get_host(call: Call) -> Row | None:
    return find_host(call, call.require_host())


@exposed("host.updateHost")
def update_host(call: Call, task_load: Any, ready: Any, data: Any = None) -> None:
    """The host's sign of life."""
    host_id = call.require_host()
    call.db.update(
        "host", {"id": host_id}, task_load=float(task_load), ready=bool(ready), update_ts=call.now()
    )
    if data is not None:
        _store_host_data(call, host_id, data)


@exposed("host.setHostData")
def set_host_data(call: Call, hostdata: Any) -> None:
    host_id = call.require_host()
    _store_host_data(call, host_id, json.loads(hostdata) if isinstance(hostdata, str) else hostdata)


def _store_host_data(call: Call, host_id: int, data: Any) -> None:
    if not isinstance(data, dict):
        raise koji.ParameterError("Host data should be a dictionary")
    call.db.execute(
        "INSERT OR REPLACE INTO scheduler_host_data (host_id, data) VALUES (?, ?)",
        (host_id, json.dumps(data)),
    )


@exposed("host.getTasks")
def get_tasks(call: Call) -> list[Row]:
    return tasks_for_host(call, call.require_host())


@exposed("host.getLoadData")
def get_load_data(call: Call) -> list[Any]:
    """What builders asked for before they were given tasks: now their own host and tasks only."""
    host_id = call.require_host()
    host = find_host(call, host_id) or {}
    channels = call.invoke("listChannels", host_id)
    return [[{**host, "channels": [channel["id"] for channel in channels]}], tasks_for_host(call, host_id)]


@exposed("host.getHostTasks")
def get_host_tasks(call: Call) -> list[Row]:
    """The host's open tasks; `alert` on one that waits for a subtask that has finished."""
    open_tasks = call.db.all(
        "SELECT id, waiting, weight FROM task WHERE host_id = ? AND state = ? ORDER BY id",
        (call.require_host(), life.OPEN),
    )
    for task in open_tasks:
        if task["waiting"] and _awaited(call, task["id"])[0]:
            task["alert"] = True
    return open_tasks


@exposed("host.openTask")
def open_task(call: Call, task_id: Any) -> Row | None:
    return life.open_task(call, task_id, call.require_host())


@exposed("host.closeTask")
def close_task(call: Call, task_id: Any, response: Any) -> None:
    life.require_task_of_host(call, task_id)
    life.finish_task(call, task_id, response, life.CLOSED)


@exposed("host.failTask")
def fail_task(call: Call, task_id: Any, response: Any) -> None:
    life.require_task_of_host(call, task_id)
    life.finish_task(call, task_id, response, life.FAILED)


@exposed("host.freeTasks")
def free_tasks(call: Call, tasks: Any) -> None:
    """Hand tasks back; those that are not open on this host are left alone."""
    host_id = call.require_host()
    for task_id in tasks:
        if life.is_task_of_host(call, task_id, host_id):
            life.free_task(call, task_id)


@exposed("host.setTaskWeight")
def set_task_weight(call: Call, task_id: Any, weight: Any) -> None:
    life.require_task_of_host(call, task_id)
    call.db.update("task", {"id": as_int(task_id)}, weight=float(weight))


@exposed("host.refuseTask")
def refuse_task(call: Call, task_id: Any, soft: Any = True, msg: Any = "") -> None:
    """Hand a task back and be given it no more (for a while, if `soft`)."""
    host_id = call.require_host()
    row = life.get_task(call, task_id)
    if row["host_id"] != host_id:
        return
    refuse(call, host_id, row["id"], soft=bool(soft), by_host=True, message=str(msg))
    life.free_task(call, row["id"])


@exposed("host.subtask")
def subtask(call: Call, method: Any, arglist: Any, parent: Any, **opts: Any) -> int:
    """A task below one of this host's; one with the same label is not made twice."""
    life.require_task_of_host(call, parent)
    if "owner" in opts:
        raise koji.ActionNotAllowed("The owner option is not allowed here")
    if "label" in opts:
        existing = call.db.value(
            "SELECT id FROM task WHERE parent = ? AND label = ?", (parent, opts["label"])
        )
        if existing is not None:
            return int(existing)
    kwargs = opts.pop("kwargs", None)
    args = arglist if kwargs is None else koji.encode_args(*arglist, **kwargs)
    return make_task(call, method, args, parent=parent, **opts)


@exposed("host.subtask2")
def subtask2(call: Call, parent: Any, taskopts: Any, method: Any, /, *args: Any, **opts: Any) -> int:
    return subtask(call, method, koji.encode_args(*args, **opts), parent, **taskopts)


@exposed("host.taskSetWait")
def task_set_wait(call: Call, parent: Any, tasks: Any) -> None:
    """Mark the parent waiting, and what it waits for: these children only, or all."""
    call.require_host()
    call.db.update("task", {"id": parent}, waiting=True)
    if tasks is None:
        call.db.update("task", {"parent": parent}, awaited=True)
        return
    require_type(tasks, list)
    if not tasks:
        return
    chosen = marks(tasks)
    call.db.execute(f"UPDATE task SET awaited = 1 WHERE parent = ? AND id IN ({chosen})", [parent, *tasks])
    call.db.execute(
        f"UPDATE task SET awaited = 0 WHERE parent = ? AND awaited = 1 AND id NOT IN ({chosen})",
        [parent, *tasks],
    )


@exposed("host.taskWait")
def task_wait(call: Call, parent: Any) -> list[list[int]]:
    """[finished, unfinished] of what is awaited. A finished one is told once."""
    call.require_host()
    finished, unfinished = _awaited(call, parent)
    for task_id in finished:
        call.db.update("task", {"id": task_id}, awaited=False)
    return [finished, unfinished]


@exposed("host.taskWaitResults")
def task_wait_results(call: Call, parent: Any, tasks: Any, canfail: Any = None) -> list[list[Any]]:
    """[[id, result]]; a fault is raised, or is the result where the task is in `canfail`."""
    call.require_host()
    call.db.update("task", {"id": parent}, waiting=False)
    call.db.update("task", {"parent": parent}, awaited=False)
    if tasks is None:
        finished = tuple(life.FINISHED)
        tasks = call.db.values(
            f"SELECT id FROM task WHERE parent = ? AND state IN ({marks(finished)}) ORDER BY id",
            [parent, *finished],
        )
    return [[task_id, _result(call, task_id, canfail or [])] for task_id in tasks]


def _result(call: Call, task_id: Any, canfail: list[Any]) -> Any:
    may_fail = task_id in canfail
    try:
        return life.task_result(call, task_id, raise_fault=not may_fail)
    except koji.GenericError as error:
        if may_fail and life.get_task(call, task_id)["state"] == life.CANCELED:
            return {"faultCode": error.faultCode, "faultString": str(error)}
        raise


def _awaited(call: Call, parent: Any) -> tuple[list[int], list[int]]:
    rows = call.db.all("SELECT id, state FROM task WHERE parent = ? AND awaited = 1 ORDER BY id", (parent,))
    finished = [row["id"] for row in rows if row["state"] in life.FINISHED]
    return finished, [row["id"] for row in rows if row["state"] not in life.FINISHED]
