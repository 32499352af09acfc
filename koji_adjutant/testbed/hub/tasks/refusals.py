"""Refusals: which host will not be given which task. A soft one is forgotten after a while."""

from typing import Any, cast

import koji
from koji import tasks as koji_tasks

from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row
from koji_adjutant.testbed.hub.tasks.tasks import task_info

ARCH_METHODS = {
    "buildArch": "root",
    "rebuildSRPM": "build_tag",
    "buildSRPMFromSCM": "build_tag",
    "buildMaven": "build_tag",
    "wrapperRPM": "build_target",
}
"""Which parameter names the build tag, or the target that has it."""


def log(call: Call, message: str, *, task_id: int | None = None, host_id: int | None = None) -> None:
    """A line in the scheduler's log, as scheduler.getLogMessages shows it."""
    call.db.insert("scheduler_log_messages", task_id=task_id, host_id=host_id, msg=message, msg_ts=call.now())


def refuse(call: Call, host_id: int, task_id: int, *, soft: bool, by_host: bool, message: str) -> None:
    # One that is repeated keeps the time of the first.
    call.db.execute(
        "INSERT INTO scheduler_task_refusals (task_id, host_id, by_host, soft, msg, ts) "
        "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (task_id, host_id) "
        "DO UPDATE SET by_host = excluded.by_host, soft = excluded.soft, msg = excluded.msg",
        (task_id, host_id, by_host, soft, message, call.now()),
    )
    log(call, f"Host refused task: {message}", task_id=task_id, host_id=host_id)


def refuse_hosts_of_other_arches(call: Call, task_id: int) -> None:
    """For a noarch task that needs a buildroot: bar every host that shares no architecture with the tag."""
    task = task_info(call, task_id, request=True) or {}
    if task["arch"] != "noarch" or task["method"] not in ARCH_METHODS:
        return
    tag = _build_tag(call, task["method"], task["request"])
    if tag is None:
        return
    config = call.invoke("getBuildConfig", tag["id"])
    arches = {koji.canonArch(arch) for arch in (config["arches"] or "").split()}
    if not arches:
        return
    channel = {"channelID": task["channel_id"], "enabled": True, "__starstar": True}
    for host in call.invoke("listHosts", channel):
        if not arches & set((host["arches"] or "").split()):
            refuse(call, host["id"], task_id, soft=False, by_host=False, message="automatic arch refusal")


def _build_tag(call: Call, method: str, request: Any) -> Row | None:
    """The tag's row; None for parameters that name none, which fail the task later and not its making."""
    try:
        params = cast("dict[str, Any]", koji_tasks.parse_task_params(method, request))
        named = params[ARCH_METHODS[method]]
        if method == "wrapperRPM":
            named = (call.invoke("getBuildTarget", named) or {}).get("build_tag")
        found: Row | None = call.invoke("getTag", named) if named is not None else None
    except (koji.GenericError, TypeError, KeyError):
        return None
    return found
