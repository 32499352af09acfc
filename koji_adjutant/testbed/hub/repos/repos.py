"""Repos: what the hub says of one, and its states, which only ever go forward."""

from collections.abc import Mapping
from typing import Any

import koji

from koji_adjutant.testbed.hub.rpc import lookups
from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row
from koji_adjutant.testbed.hub.rpc.query_options import QueryOptions
from koji_adjutant.testbed.hub.rpc.registry import exposed
from koji_adjutant.testbed.hub.rpc.times import add_times
from koji_adjutant.testbed.hub.rpc.values import as_int, as_int_or_none
from koji_adjutant.testbed.hub.rpc.views import View

INIT: int = koji.REPO_INIT
READY: int = koji.REPO_READY
EXPIRED: int = koji.REPO_EXPIRED
DELETED: int = koji.REPO_DELETED
PROBLEM: int = koji.REPO_PROBLEM

_OWN = (
    "repo.id AS id, repo.tag_id AS tag_id, creation_ts, state_ts, create_event, begin_event, end_event, "
    "repo.state AS state, dist, opts, custom_opts, task_id"
)
_COLUMNS = (
    f"{_OWN}, created.time AS create_ts, begun.time AS begin_ts, ended.time AS end_ts, "
    "task.state AS task_state, tag.name AS tag_name"
)
_TABLES = (
    "repo JOIN tag ON tag.id = repo.tag_id JOIN events AS created ON created.id = create_event "
    "LEFT JOIN events AS begun ON begun.id = begin_event LEFT JOIN events AS ended ON ended.id = end_event "
    "LEFT JOIN task ON task.id = repo.task_id"
)
# What repo.query gives unless it is asked for fields.
_USUAL = ("id", "tag_id", "create_event", "state", "dist", "task_id", "opts", "custom_opts")

_FOREIGN = ("create_ts", "begin_ts", "end_ts", "tag_name", "task_state")


def repos_where(call: Call, condition: str, params: Mapping[str, Any]) -> list[Row]:
    """Whole rows that match, latest event first. `condition` is in the columns of `repo`."""
    rows = call.db.all(
        f"SELECT {_COLUMNS} FROM {_TABLES} WHERE {condition} ORDER BY create_event DESC, repo.id DESC",
        params,
    )
    return [add_times(row, "creation", "state") for row in rows]


@exposed("repoInfo")
def repo_info(call: Call, repo_id: Any, strict: bool = False) -> Row | None:
    rows = repos_where(call, "repo.id = :id", {"id": as_int_or_none(repo_id)})
    if not rows and strict:
        raise koji.GenericError("query returned no rows")
    return rows[0] if rows else None


def require_repo(call: Call, repo_id: Any) -> Row:
    repo = repo_info(call, repo_id, strict=True)
    if repo is None:
        raise AssertionError("a strict look-up returned nothing")
    return repo


@exposed("getRepo")
def get_repo(
    call: Call,
    tag: Any,
    state: int | None = None,
    event: int | None = None,
    dist: bool = False,
    min_event: int | None = None,
) -> Row | None:
    """The newest READY repo of the tag; with `event`, the newest of any state made up to that event."""
    conditions = ["repo.tag_id = :tag", "dist = :dist"]
    if event:
        conditions.append("create_event <= :event")
    else:
        conditions.append("repo.state = :state")
    if min_event is not None:
        conditions.append("create_event >= :min_event")
    params = {
        "tag": lookups.id_of(call, "tag", tag),
        "dist": bool(dist),
        "event": as_int_or_none(event),
        "state": READY if state is None else as_int(state),
        "min_event": as_int_or_none(min_event),
    }
    rows = repos_where(call, " AND ".join(conditions), params)
    return max(rows, key=lambda row: row["creation_ts"], default=None)


@exposed("getActiveRepos")
def get_active_repos(call: Call) -> list[Row]:
    return repos_where(call, "repo.state <> :deleted", {"deleted": DELETED})


@exposed("repo.query")
def query_repos(call: Call, clauses: Any, fields: Any = None, opts: QueryOptions = None) -> Any:
    view = View(rows=repos_where(call, "1", {}), usual=_USUAL, foreign=_FOREIGN)
    return view.select(clauses, fields, opts)


@exposed("repoExpire")
def expire_repo(call: Call, repo_id: Any) -> None:
    call.require_permission("repo")
    set_state(call, repo_id, EXPIRED)


@exposed("repoProblem")
def mark_repo_problem(call: Call, repo_id: Any) -> None:
    call.require_permission("repo")
    set_state(call, repo_id, PROBLEM)


@exposed("repoDelete")
def delete_repo(call: Call, repo_id: Any) -> int:
    """Mark it deleted unless unexpired buildroots use it; how many do."""
    call.require_permission("repo")
    references = len(repo_references(call, repo_id))
    if not references:
        set_state(call, repo_id, DELETED)
    return references


@exposed("repo.setState")
def set_repo_state(call: Call, repo_id: Any, state: int) -> None:
    call.require_permission("repo")
    set_state(call, repo_id, state)


@exposed("repo.references")
def repo_references(call: Call, repo_id: Any) -> list[Row]:
    return call.db.all(
        "SELECT id, host_id, task_id, create_event, state FROM buildroot "
        "WHERE repo_id = ? AND retire_event IS NULL",
        (as_int(repo_id),),
    )


def set_state(call: Call, repo_id: Any, state: int) -> None:
    """Forward only; the state it has is a no-op, and DELETED is the end."""
    repo = require_repo(call, repo_id)
    old = repo["state"]
    names: Any = koji.REPO_STATES
    if old > state != DELETED:
        raise koji.GenericError(
            f"Invalid repo state transition for repo {repo['id']}: {names[old]} -> {names[state]}"
        )
    if old == state:
        return
    if old == DELETED:
        raise koji.GenericError(f"Repo {repo['id']} is deleted")
    call.db.update("repo", {"id": repo["id"]}, state=state, state_ts=call.now())
