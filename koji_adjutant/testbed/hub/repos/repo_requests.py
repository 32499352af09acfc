"""Requests for repos: answered by a repo that is ready, else queued, and turned into newRepo tasks.

On a real hub a daemon (kojira) works the queue. Here whoever asks does, when the option `kojira` is set.
"""

from typing import Any

import koji

from koji_adjutant.testbed.hub.repos.repo_options import Options, checked_options, satisfies
from koji_adjutant.testbed.hub.repos.repo_queue import requests_where, require_request, work_queue
from koji_adjutant.testbed.hub.repos.repos import READY, repo_info, repos_where
from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row
from koji_adjutant.testbed.hub.rpc.events import get_event, get_last_event
from koji_adjutant.testbed.hub.rpc.lookups import id_of
from koji_adjutant.testbed.hub.rpc.registry import exposed
from koji_adjutant.testbed.hub.rpc.values import as_int, as_int_or_none
from koji_adjutant.testbed.hub.tags.tag_changes import tag_first_change_event, tag_last_change_event
from koji_adjutant.testbed.hub.tags.tags import require_tag
from koji_adjutant.testbed.hub.tasks.tasks import task_info

# Events are rounded to this, in seconds, so that requests close in time ask for the same one.
LAG_WINDOW = 600
DEFAULT_PRIORITY: int = koji.PRIO_DEFAULT


@exposed("repo.get")
def get_repo(
    call: Call, tag: Any, min_event: Any = None, at_event: Any = None, opts: Any = None
) -> Row | None:
    """The newest READY repo with these options that an event allows, or None."""
    wanted = checked_options(opts, strict=True)
    return _ready_repo(
        call, id_of(call, "tag", tag), as_int_or_none(min_event), as_int_or_none(at_event), wanted
    )


@exposed("repo.request")
def request_repo(
    call: Call,
    tag: Any,
    min_event: Any = None,
    at_event: Any = None,
    opts: Any = None,
    priority: Any = None,
    force: bool = False,
) -> Row:
    """`repo` if one is ready, else `request`: a new one, or the one that already asks for as much."""
    user_id = call.require_user_id()
    info = require_tag(call, tag)
    wanted = checked_options(opts, strict=True)
    if wanted.get("maven"):
        raise koji.GenericError("Maven support not enabled")
    at_event, min_event = _events(call, info, at_event, min_event)
    repo = None if force else _ready_repo(call, info["id"], min_event, at_event, wanted)
    if repo is not None:
        return {"repo": repo, "request": None, "duplicate": False}
    level = _priority(call, priority)
    request = _waiting_request(call, info["id"], min_event, at_event, wanted)
    duplicate = request is not None
    if request is None:
        request_id = call.db.insert(
            "repo_queue",
            create_ts=call.now(),
            update_ts=call.now(),
            owner=user_id,
            priority=level,
            tag_id=info["id"],
            at_event=at_event,
            min_event=min_event,
            opts=wanted,
        )
    else:
        request_id = request["id"]
        if request["priority"] > level:
            call.db.update("repo_queue", {"id": request_id}, priority=level)
    if call.options.kojira:
        work_queue(call)
    return {"repo": None, "request": require_request(call, request_id), "duplicate": duplicate}


@exposed("repo.checkRequest")
def check_request(call: Call, req_id: Any) -> Row:
    """`request`, with its `repo` when there is one, or its `task` while that runs."""
    request_id = as_int(req_id)
    if call.options.kojira:
        work_queue(call)
    request = require_request(call, request_id)
    answer: Row = {"repo": None, "request": request}
    if request["repo_id"]:
        answer["repo"] = repo_info(call, request["repo_id"])
    elif request["task_id"]:
        answer["task"] = task_info(call, request["task_id"])
    return answer


def _events(call: Call, tag: Row, at_event: Any, min_event: Any) -> tuple[int | None, int | None]:
    """(the event it must be of, the event it must be of at least): one of them is None."""
    if at_event is not None:
        if min_event is not None:
            raise koji.ParameterError("The min_event and at_event options conflict")
        return _known_event(call, at_event), None
    if min_event == "last":
        return None, tag_last_change_event(call, tag["id"])
    if min_event is not None:
        return None, _known_event(call, min_event)
    return None, _default_min_event(call, tag)


def _known_event(call: Call, event: Any) -> int:
    number = as_int(event)
    if get_event(call, number, strict=False) is None:
        raise koji.ParameterError(f"Invalid event: {number}")
    return number


def _default_min_event(call: Call, tag: Row) -> int | None:
    """The tag's last change; or, when that was just now, the last event before a while ago."""
    last = tag_last_change_event(call, tag["id"])
    lag = tag["extra"].get("repo.lag")
    since = call.now() - (lag if isinstance(lag, int) else call.options.repo_lag)
    event = get_last_event(call, before=since // LAG_WINDOW * LAG_WINDOW, strict=False)
    base = tag_first_change_event(call, tag["id"]) if event is None else event["id"]
    return min(moment for moment in (base, last) if moment is not None)


def _priority(call: Call, relative: Any) -> int:
    if relative is None:
        return DEFAULT_PRIORITY
    offset = as_int(relative)
    if offset < 0 and not call.has_permission("admin"):
        raise koji.ActionNotAllowed("only admins may create high-priority requests")
    return DEFAULT_PRIORITY + offset


def _ready_repo(
    call: Call, tag_id: int, min_event: int | None, at_event: int | None, wanted: Options
) -> Row | None:
    condition = "repo.tag_id = :tag AND NOT dist AND repo.state = :ready"
    if at_event is not None:
        condition += " AND create_event = :event"
    elif min_event is not None:
        condition += " AND create_event >= :event"
    event = min_event if at_event is None else at_event
    rows = repos_where(call, condition, {"tag": tag_id, "ready": READY, "event": event})
    return next((row for row in rows if satisfies(row, wanted)), None)


def _waiting_request(
    call: Call, tag_id: int, min_event: int | None, at_event: int | None, wanted: Options
) -> Row | None:
    condition = "at_event = :event" if at_event is not None else "min_event >= :event"
    rows = requests_where(
        call,
        f"repo_queue.tag_id = :tag AND active = 1 AND {condition}",
        {"tag": tag_id, "event": min_event if at_event is None else at_event},
    )
    return next((row for row in rows if row["opts"] == wanted), None)
