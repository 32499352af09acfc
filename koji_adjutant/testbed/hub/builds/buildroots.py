"""Buildroots: the hub's record of where something was built, from newBuildRoot until it is EXPIRED.

INIT takes the first package list, BUILDING the additions, EXPIRED nothing more. While one is unexpired, its
repo is not deleted. Only the host that made it may change it.
"""

from typing import Any

import koji

from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row, marks
from koji_adjutant.testbed.hub.rpc.query_options import QueryOptions, apply_options
from koji_adjutant.testbed.hub.rpc.registry import exposed
from koji_adjutant.testbed.hub.rpc.times import utc_text
from koji_adjutant.testbed.hub.rpc.values import arch_list, as_int
from koji_adjutant.testbed.hub.tasks.tasks import require_task_of_host

INIT: int = koji.BR_STATES["INIT"]
BUILDING: int = koji.BR_STATES["BUILDING"]
EXPIRED: int = koji.BR_STATES["EXPIRED"]

_COLUMNS = (
    "buildroot.id AS id, br_type, NULL AS cg_id, NULL AS cg_name, NULL AS cg_version, container_arch, "
    "container_arch AS arch, container_type, NULL AS host_os, NULL AS host_arch, NULL AS extra, "
    "buildroot.state AS state, buildroot.task_id AS task_id, host.id AS host_id, host.name AS host_name, "
    "repo.id AS repo_id, repo.state AS repo_state, tag.id AS tag_id, tag.name AS tag_name, "
    "created.id AS create_event_id, created.time AS create_ts, retired.id AS retire_event_id, "
    "retired.time AS retire_ts, repo_made.id AS repo_create_event_id, repo_made.time AS repo_create_ts"
)
_TABLES = (
    "buildroot JOIN host ON host.id = buildroot.host_id JOIN repo ON repo.id = buildroot.repo_id "
    "JOIN tag ON tag.id = repo.tag_id JOIN events AS created ON created.id = buildroot.create_event "
    "JOIN events AS repo_made ON repo_made.id = repo.create_event "
    "LEFT JOIN events AS retired ON retired.id = buildroot.retire_event"
)


@exposed("listBuildroots")
def list_buildroots(
    call: Call,
    hostID: Any = None,
    tagID: Any = None,
    state: Any = None,
    rpmID: int | None = None,
    archiveID: int | None = None,
    taskID: int | None = None,
    buildrootID: Any = None,
    repoID: int | None = None,
    queryOpts: QueryOptions = None,
) -> Any:
    conditions, params = ["1"], list[Any]()
    for column, value in (
        ("buildroot.id", buildrootID),
        ("host.id", hostID),
        ("tag.id", tagID),
        ("buildroot.state", state),
        ("buildroot.task_id", taskID),
        ("repo.id", repoID or None),
    ):
        if value is not None:
            wanted = list(value) if isinstance(value, (list, tuple)) else [value]
            conditions.append(f"{column} IN ({marks(wanted)})")
            params += wanted
    if rpmID is not None:
        conditions.append("buildroot.id IN (SELECT buildroot_id FROM buildroot_listing WHERE rpm_id = ?)")
        params.append(rpmID)
    if archiveID is not None:
        conditions.append("0")
    sql = f"SELECT {_COLUMNS} FROM {_TABLES} WHERE {' AND '.join(conditions)} ORDER BY buildroot.id"
    return apply_options([_shown(row) for row in call.db.all(sql, params)], queryOpts)


@exposed("getBuildroot")
def get_buildroot(call: Call, buildrootID: Any, strict: bool = False) -> Row | None:
    buildroot_id = as_int(buildrootID)
    rows: list[Row] = list_buildroots(call, buildrootID=buildroot_id)
    if not rows and strict:
        raise koji.GenericError(f"No such buildroot: {buildroot_id!r}")
    return rows[0] if rows else None


@exposed("host.newBuildRoot")
def new_buildroot(call: Call, repo: int, arch: str, task_id: int | None = None) -> int:
    host_id = call.require_host()
    if task_id is None:
        # The parameter is optional, the real hub's column is not.
        raise koji.GenericError("a buildroot needs its task: no task_id was given")
    require_task_of_host(call, task_id)
    return call.db.insert(
        "buildroot",
        br_type=koji.BR_TYPES["STANDARD"],
        container_arch=arch_list(arch),
        container_type="chroot",
        host_id=host_id,
        repo_id=repo,
        task_id=task_id,
        create_event=call.new_event(),
        state=INIT,
    )


@exposed("host.setBuildRootState")
def set_buildroot_state(call: Call, brootid: int, state: int | str, task_id: int | None = None) -> None:
    buildroot = require_own_buildroot(call, brootid, task_id)
    wanted: int = koji.BR_STATES[state] if isinstance(state, str) else state
    if wanted == INIT:
        raise koji.GenericError("Cannot change buildroot state to INIT")
    if buildroot["state"] == EXPIRED:
        if wanted == EXPIRED:
            return
        raise koji.GenericError(f"buildroot {buildroot['id']} is EXPIRED")
    retired = {"retire_event": call.new_event()} if wanted == EXPIRED else {}
    call.db.update("buildroot", {"id": buildroot["id"]}, state=wanted, **retired)


def require_own_buildroot(call: Call, buildroot_id: int, task_id: int | None) -> Row:
    """The buildroot, which the calling host made (for that task, when one is named)."""
    host_id = call.require_host()
    if task_id is not None:
        require_task_of_host(call, task_id)
    buildroot = call.db.one("SELECT id, host_id, task_id, state FROM buildroot WHERE id = ?", (buildroot_id,))
    if buildroot is None:
        raise koji.GenericError(f"no buildroot with ID: {buildroot_id}")
    if buildroot["host_id"] != host_id:
        raise koji.ActionNotAllowed(f"Host {host_id} not owner of buildroot {buildroot_id}")
    if task_id is not None and buildroot["task_id"] != task_id:
        raise koji.ActionNotAllowed(f"Task {task_id} does not have lock on buildroot {buildroot_id}")
    return buildroot


def _shown(row: Row) -> Row:
    row["create_event_time"] = utc_text(row["create_ts"])
    row["retire_event_time"] = utc_text(row["retire_ts"])
    row["repo_create_event_time"] = utc_text(row.pop("repo_create_ts"))
    return row
