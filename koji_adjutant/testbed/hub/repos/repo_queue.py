"""The queue of repo requests: who waits for a repo of which tag, worked into newRepo tasks in order."""

from typing import Any

import koji

from koji_adjutant.testbed.hub.repos.repo_options import satisfies
from koji_adjutant.testbed.hub.repos.repos import repo_info
from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row
from koji_adjutant.testbed.hub.rpc.lookups import id_or_none
from koji_adjutant.testbed.hub.rpc.query_options import QueryOptions
from koji_adjutant.testbed.hub.rpc.registry import exposed
from koji_adjutant.testbed.hub.rpc.times import add_times
from koji_adjutant.testbed.hub.rpc.values import as_int
from koji_adjutant.testbed.hub.rpc.views import View
from koji_adjutant.testbed.hub.tasks.new_tasks import make_task

QUEUE_USER = "kojira"
TASK_PRIORITY = 15

_COLUMNS = (
    "repo_queue.id AS id, repo_queue.create_ts AS create_ts, repo_queue.owner AS owner, "
    "users.name AS owner_name, repo_queue.priority AS priority, repo_queue.tag_id AS tag_id, "
    "tag.name AS tag_name, at_event, min_event, opts, update_ts, active, task_id, "
    "task.state AS task_state, tries, repo_id"
)
_TABLES = (
    "repo_queue JOIN tag ON tag.id = tag_id JOIN users ON users.id = repo_queue.owner "
    "LEFT JOIN task ON task.id = task_id"
)
_USUAL = (
    "id",
    "tag_id",
    "at_event",
    "min_event",
    "create_ts",
    "task_id",
    "tries",
    "repo_id",
    "opts",
    "active",
    "update_ts",
)
_FOREIGN = ("owner_name", "tag_name", "task_state")
# A request whose task was of use is no longer in the queue.
_ENDED = tuple(koji.TASK_STATES[state] for state in ("CLOSED", "CANCELED", "FAILED"))


def require_request(call: Call, request_id: int) -> Row:
    rows = requests_where(call, "repo_queue.id = :id", {"id": request_id})
    if not rows:
        raise koji.GenericError("No such request")
    return rows[0]


def requests_where(call: Call, condition: str, params: dict[str, Any]) -> list[Row]:
    """In the order in which they are served."""
    rows = call.db.all(
        f"SELECT {_COLUMNS} FROM {_TABLES} WHERE {condition} ORDER BY repo_queue.priority, repo_queue.id",
        params,
    )
    return [add_times(row, "create", "update") for row in rows]


@exposed("repo.queryQueue")
def query_queue(call: Call, clauses: Any = None, fields: Any = None, opts: QueryOptions = None) -> Any:
    return View(rows=requests_where(call, "1", {}), usual=_USUAL, foreign=_FOREIGN).select(
        clauses, fields, opts
    )


@exposed("repo.setRequestPriority")
def set_request_priority(call: Call, req_id: Any, priority: Any) -> None:
    call.require_permission("admin")
    call.db.update("repo_queue", {"id": as_int(req_id)}, priority=as_int(priority))


@exposed("repo.checkQueue")
def check_queue(call: Call) -> None:
    call.require_permission("repo")
    work_queue(call)


def work_queue(call: Call) -> None:
    """Make the tasks that waiting requests need; try again what failed, so many times."""
    waiting = requests_where(call, "repo_id IS NULL AND active = 1", {})
    running = 0
    for request in waiting:
        if request["task_state"] in _ENDED:
            _try_again(call, request)
        elif request["task_id"] is not None:
            running += 1
    for request in waiting:
        if request["task_id"] is None and request["active"] and running < call.options.max_repo_tasks:
            running += 1
            task_id = _make_task(call, request)
            call.db.update(
                "repo_queue",
                {"id": request["id"]},
                task_id=task_id,
                tries=request["tries"] + 1,
                update_ts=call.now(),
            )


def answer_requests(call: Call, repo_id: int) -> None:
    """Give a repo that just became ready to the requests it satisfies."""
    repo = repo_info(call, repo_id)
    if repo is None or repo["dist"]:
        return
    for request in requests_where(
        call, "repo_queue.tag_id = :tag AND active = 1 AND repo_id IS NULL", {"tag": repo["tag_id"]}
    ):
        event = repo["create_event"]
        late_enough = request["min_event"] is not None and request["min_event"] <= event
        if (late_enough or request["at_event"] == event) and satisfies(repo, request["opts"]):
            call.db.update(
                "repo_queue", {"id": request["id"]}, repo_id=repo["id"], active=False, update_ts=call.now()
            )


def _try_again(call: Call, request: Row) -> None:
    if request["tries"] > call.options.repo_retries:
        request["active"] = False
        call.db.update("repo_queue", {"id": request["id"]}, active=False, update_ts=call.now())
    else:
        request["task_id"] = None


def _make_task(call: Call, request: Row) -> int:
    arguments: dict[str, Any] = {"opts": request["opts"]}
    if request["at_event"] is not None:
        arguments["event"] = request["at_event"]
    tag = {"id": request["tag_id"], "name": request["tag_name"]}
    owner = id_or_none(call, "users", QUEUE_USER)
    return make_task(
        call,
        "newRepo",
        koji.encode_args(tag, **arguments),
        priority=TASK_PRIORITY,
        channel="createrepo",
        owner=request["owner"] if owner is None else owner,
    )
