"""The life of a build: BUILDING from initBuild, then COMPLETE, FAILED or CANCELED.

A build that failed or was canceled may be tried again under the same name, as long as nothing came of it.
"""

import json
import shutil
from pathlib import Path
from typing import Any, cast

import koji

from koji_adjutant.testbed.hub.builds.builds import (
    BUILDING,
    CANCELED,
    FAILED,
    find_build_id,
    get_build,
    require_build,
)
from koji_adjutant.testbed.hub.builds.notifications import notify_of_build
from koji_adjutant.testbed.hub.people.users import require_user
from koji_adjutant.testbed.hub.rpc import lookups
from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row
from koji_adjutant.testbed.hub.rpc.registry import exposed, when_task_canceled
from koji_adjutant.testbed.hub.rpc.values import require_name
from koji_adjutant.testbed.hub.tasks.tasks import cancel_family, get_task, require_task_of_host


@exposed("host.initBuild")
def init_build(call: Call, data: dict[str, Any]) -> int:
    require_task_of_host(call, data["task_id"])
    if not data.get("name"):
        raise koji.GenericError("No name or package id provided for build")
    for field in ("version", "release", "epoch"):
        if field not in data:
            raise koji.GenericError(f"No {field} value for build")
    package = lookups.find_or_create(call, "package", require_name(data["name"]))
    values = {
        "state": BUILDING,
        "task_id": data["task_id"],
        "owner": get_task(call, data["task_id"])["owner"],
        "epoch": data["epoch"],
        "start_ts": data.get("start_time") or call.now(),
        "completion_ts": None,
        "source": data.get("source"),
        "extra": json.dumps(data.get("extra")),
        "volume_id": 0,
        "create_event": call.new_event(),
    }
    old = get_build(call, data)
    is_draft = bool(data.get("draft"))
    if old is not None:
        if is_draft:
            raise koji.GenericError(f"Target build already exists: {old['nvr']} (id={old['id']})")
        return _recycle(call, old, values)
    named = {"pkg_id": package["id"], "version": data["version"], "release": data["release"]}
    build_id = call.db.insert("build", **named, draft=is_draft, **values)
    if is_draft:
        release = cast("Any", koji).gen_draft_release(data["release"], build_id)
        call.db.update("build", {"id": build_id}, release=release)
    return build_id


def _recycle(call: Call, old: Row, values: Row) -> int:
    build_id: int = old["id"]
    if old["state"] == BUILDING:
        if old["task_id"] == values["task_id"]:
            # The same task again, after it was freed.
            return build_id
        raise koji.GenericError(f"Build already in progress (task {old['task_id']})")
    if old["state"] not in {FAILED, CANCELED}:
        state = koji.BUILD_STATES[old["state"]]
        raise koji.GenericError(f"Build already exists (id={build_id}, state={state}): {old['nvr']}")
    for table, what in (("tag_listing", "tag history"), ("rpminfo", "rpm data")):
        if call.db.one(f"SELECT 1 FROM {table} WHERE build_id = ?", (build_id,)):
            raise koji.GenericError(f"Build already exists. Unable to recycle, has {what}")
    call.db.update("build", {"id": build_id}, **values)
    directory = Path(call.paths.build(old))  # type: ignore[arg-type]
    if directory.exists():
        shutil.rmtree(directory)
    return build_id


@exposed("host.failBuild")
def fail_build(call: Call, task_id: int, build_id: Any) -> None:
    require_task_of_host(call, task_id)
    build = require_build(call, build_id)
    if build["state"] != BUILDING:
        state = koji.BUILD_STATES[build["state"]]
        raise koji.GenericError(f"cannot update build {build['id']}, state: {state}")
    call.db.update("build", {"id": build["id"]}, state=FAILED, completion_ts=call.now())
    notify_of_build(call, task_id, build["id"])


@exposed("cancelBuild")
def cancel_build(call: Call, buildID: Any, strict: bool = False) -> bool:
    """Cancel the build and its task's whole tree; whether it was building."""
    user_id = call.require_user_id()
    build = get_build(call, buildID, strict)
    if build is None:
        return False
    if build["owner_id"] != user_id and not call.has_permission("admin"):
        raise koji.ActionNotAllowed("Cannot cancel build, not owner")
    if build["state"] != BUILDING:
        return False
    _cancel(call, build["id"], build["task_id"])
    if build["task_id"] is not None:
        cancel_family(call, build["task_id"], strict=False)
    return True


@when_task_canceled
def cancel_builds_of_task(call: Call, task_id: int) -> None:
    for build_id in call.db.values(
        "SELECT id FROM build WHERE task_id = ? AND state = ?", (task_id, BUILDING)
    ):
        _cancel(call, build_id, task_id)


def _cancel(call: Call, build_id: int, task_id: int | None) -> None:
    call.db.update("build", {"id": build_id}, state=CANCELED, completion_ts=call.now())
    if task_id is not None:
        notify_of_build(call, task_id, build_id)


@exposed("setBuildOwner")
def set_build_owner(call: Call, build: Any, user: Any) -> None:
    call.require_permission("admin")
    build_id = find_build_id(call, build, strict=True)
    call.db.update("build", {"id": build_id}, owner=require_user(call, user)["id"])
