"""When a tag last changed, or first changed after an event: what decides whether a repo is still current."""

from collections.abc import Sequence
from typing import Any

from koji_adjutant.testbed.hub.rpc import lookups
from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import marks
from koji_adjutant.testbed.hub.rpc.registry import exposed
from koji_adjutant.testbed.hub.rpc.values import as_int_or_none
from koji_adjutant.testbed.hub.tags.external_repos import get_tag_external_repos
from koji_adjutant.testbed.hub.tags.inheritance import ancestors
from koji_adjutant.testbed.hub.tags.tags import get_tag

TAG_TABLES = (
    "tag_listing",
    "tag_inheritance",
    "tag_config",
    "tag_packages",
    "tag_external_repos",
    "tag_extra",
    "group_package_listing",
    "group_req_listing",
    "group_config",
)


@exposed("tagLastChangeEvent")
def tag_last_change_event(
    call: Call, tag: Any, before: int | None = None, inherit: bool = True
) -> int | None:
    """The latest event, before `before`, that changed the tag, an ancestor, or an external repo of theirs."""
    info = get_tag(call, tag, strict=True, event="auto") or {}
    before = as_int_or_none(before)
    deleted: int | None = info.get("revoke_event")
    if before is None and deleted:
        return deleted
    condition = "" if before is None else f"< {before}"
    events = _events(call, ancestors(call, info["id"], before, inherit=inherit), before, condition)
    if not events:
        return None
    return max(events) if deleted is None else min(deleted, max(events))


@exposed("tagFirstChangeEvent")
def tag_first_change_event(
    call: Call, tag: Any, after: int | None = None, inherit: bool = True
) -> int | None:
    """The first event after `after` that changed it, or None; without `after`, the event that made it."""
    tag_id = lookups.id_of(call, "tag", tag)
    after = as_int_or_none(after)
    created: int = call.db.value("SELECT MIN(create_event) FROM tag_config WHERE tag_id = ?", (tag_id,))
    if after is None:
        return created
    events = _events(call, ancestors(call, tag_id, after, inherit=inherit), after, f"> {after}")
    return max(min(events), created) if events else None


@exposed("tagChangedSinceEvent")
def tag_changed_since_event(call: Call, event: int, taglist: Sequence[int]) -> bool:
    """Whether any of exactly these tags changed; the caller expands inheritance."""
    tags = list(taglist)
    return any(
        call.db.one(
            f"SELECT 1 FROM {table} WHERE tag_id IN ({marks(tags)}) "
            "AND (create_event > ? OR revoke_event > ?) LIMIT 1",
            (*tags, event, event),
        )
        for table in TAG_TABLES
    )


def _events(call: Call, tags: list[int], moment: int | None, condition: str) -> list[int]:
    """The events of these tags, and of the external repos that they had at the moment, that match."""
    events = [event for table in TAG_TABLES for event in _matching(call, table, "tag_id", tags, condition)]
    repos = {
        repo["external_repo_id"]
        for tag_id in tags
        for repo in get_tag_external_repos(call, tag_id, event=moment)
    }
    return events + _matching(call, "external_repo_config", "external_repo_id", sorted(repos), condition)


def _matching(call: Call, table: str, column: str, ids: list[int], condition: str) -> list[int]:
    """The first and the last matching event of each kind: all that is asked of them."""
    return [
        event
        for kind in ("create_event", "revoke_event")
        for row in call.db.all(
            f"SELECT MIN({kind}) AS first, MAX({kind}) AS last FROM {table} "
            f"WHERE {column} IN ({marks(ids)})" + (f" AND {kind} {condition}" if condition else ""),
            ids,
        )
        for event in row.values()
        if event is not None
    ]
