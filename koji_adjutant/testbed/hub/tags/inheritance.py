"""Tag inheritance: links from a tag to its parents, and the order in which its ancestors are looked at."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import koji

from koji_adjutant.testbed.hub.rpc import lookups
from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row
from koji_adjutant.testbed.hub.rpc.registry import exposed
from koji_adjutant.testbed.hub.rpc.values import sliced
from koji_adjutant.testbed.hub.rpc.versions import at_event, create_version, revoke_versions
from koji_adjutant.testbed.hub.tags.tags import require_tag

FIELDS = ("parent_id", "priority", "maxdepth", "intransitive", "noconfig", "pkg_filter")
DELETE = "delete link"


def plain_link(parent_id: int, priority: int = 0) -> Row:
    return {
        "parent_id": parent_id,
        "priority": priority,
        "maxdepth": None,
        "intransitive": False,
        "noconfig": False,
        "pkg_filter": "",
    }


@exposed("getInheritanceData")
def get_inheritance_data(call: Call, tag: Any, event: int | None = None) -> list[Row]:
    return _links(call, lookups.id_of(call, "tag", tag), event, reverse=False)


@exposed("getFullInheritance")
def get_full_inheritance(call: Call, tag: Any, event: int | None = None, reverse: bool = False) -> list[Row]:
    tag_id = tag if isinstance(tag, int) else lookups.id_of(call, "tag", tag)
    return full_inheritance(call, tag_id, event, reverse=reverse)


@exposed("setInheritanceData")
def set_inheritance_data(call: Call, tag: Any, data: Any, clear: bool = False) -> None:
    tag_id = lookups.id_of(call, "tag", tag)
    call.require_permission("tag")
    write_links(call, tag_id, [data] if isinstance(data, dict) else data, clear=clear)


def ancestors(call: Call, tag_id: int, event: int | None = None, *, inherit: bool = True) -> list[int]:
    """The tag and, in order, the tags it inherits from; a tag may stand in it more than once."""
    if not inherit:
        return [tag_id]
    return [tag_id, *(link["parent_id"] for link in full_inheritance(call, tag_id, event))]


def full_inheritance(
    call: Call, tag_id: int, event: int | None = None, *, reverse: bool = False
) -> list[Row]:
    walk = _Walk(call=call, event=event, reverse=reverse, order=[], seen={})
    walk.follow(tag_id, _Path())
    return walk.order


@dataclass(frozen=True, kw_only=True)
class _Path:
    """How the walk came to a tag: what the links on the way allow of it."""

    tags: frozenset[int] = frozenset()
    depth: int = 0
    maxdepth: int | None = None
    noconfig: bool = False
    filters: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Walk:
    call: Call
    event: int | None
    reverse: bool
    order: list[Row]
    seen: dict[int, list[Row]]

    def follow(self, tag_id: int, path: _Path) -> None:
        if path.maxdepth is not None and path.maxdepth < 1:
            return
        path = replace(path, tags=path.tags | {tag_id}, depth=path.depth + 1)
        for link in _links(self.call, tag_id, self.event, reverse=self.reverse):
            step = self._step(link, path)
            if step is None:
                continue
            # As on the real hub, noconfig reaches the siblings that come after it, too.
            path = replace(path, noconfig=step.noconfig)
            self.order.append(link)
            if not (link["intransitive"] and self.reverse):
                self.follow(self._next_tag(link), replace(step, tags=path.tags))

    def _next_tag(self, link: Row) -> int:
        found: int = link["tag_id"] if self.reverse else link["parent_id"]
        return found

    def _step(self, link: Row, path: _Path) -> _Path | None:
        """The path over this link, or None where it is not followed. Completes the link."""
        tag_id = self._next_tag(link)
        if tag_id in path.tags:
            return None
        if self.reverse:
            if link["maxdepth"] is not None and link["maxdepth"] < path.depth - 1:
                return None
            depth = None
        else:
            if link["intransitive"] and len(path.tags) > 1:
                return None
            depth = _depth_left(link["maxdepth"], path.maxdepth)
        step = replace(
            path,
            maxdepth=depth,
            noconfig=path.noconfig or link["noconfig"],
            filters=path.filters + ((link["pkg_filter"],) if link["pkg_filter"] else ()),
        )
        link.update(nextdepth=depth, currdepth=path.depth, filter=list(step.filters))
        earlier = self.seen.setdefault(tag_id, [])
        if any(_covers(visit, step) for visit in earlier):
            return None
        earlier.append(link)
        return step


def _depth_left(link_depth: int | None, path_depth: int | None) -> int | None:
    if path_depth is None:
        return link_depth
    return min(path_depth, path_depth if link_depth is None else link_depth) - 1


def _covers(visit: Row, step: _Path) -> bool:
    """Whether an earlier visit to the same tag already allowed all that this one would."""
    if visit["nextdepth"] is not None and (step.maxdepth is None or visit["nextdepth"] < step.maxdepth):
        return False
    if visit["noconfig"] and not step.noconfig:
        return False
    return not visit["filter"]


def _links(call: Call, tag_id: int, event: int | None, *, reverse: bool) -> list[Row]:
    """A tag's links to its parents by priority, each with `child_id`; reverse: the links of its children."""
    mine, other = ("parent_id", "tag_id") if reverse else ("tag_id", "parent_id")
    columns = "name, priority, maxdepth, intransitive, noconfig, pkg_filter"
    rows = call.db.all(
        f"SELECT {'tag_id, ' if reverse else ''}parent_id, {columns} FROM tag_inheritance "
        f"JOIN tag ON tag.id = {other} WHERE {mine} = ? AND {at_event(event)} ORDER BY priority",
        (tag_id,),
    )
    if not reverse:
        for row in rows:
            row["child_id"] = tag_id
    return rows


def write_links(call: Call, tag_id: int, changes: Sequence[Row], *, clear: bool = False) -> None:
    """Apply changes to a tag's links; with `clear` the links that are not among them go."""
    for change in changes:
        for field in ("parent_id",) if change.get(DELETE) else FIELDS:
            if field not in change:
                raise koji.GenericError(f"No value for {field}")
        require_tag(call, change["parent_id"])
    now = {link["parent_id"]: sliced(link, FIELDS) for link in _links(call, tag_id, None, reverse=False)}
    wanted = {} if clear else dict(now)
    for change in changes:
        if change.get(DELETE):
            wanted.pop(change["parent_id"], None)
        else:
            wanted[change["parent_id"]] = sliced(change, FIELDS)
    _require_distinct_priorities(tag_id, wanted)
    for parent_id, link in now.items():
        if wanted.get(parent_id) != link:
            revoke_versions(call, "tag_inheritance", tag_id=tag_id, parent_id=parent_id)
    for parent_id, link in wanted.items():
        if now.get(parent_id) != link:
            create_version(call, "tag_inheritance", tag_id=tag_id, **link)


def _require_distinct_priorities(tag_id: int, links: dict[int, Row]) -> None:
    parents: dict[int, list[int]] = {}
    for parent_id, link in links.items():
        parents.setdefault(link["priority"], []).append(parent_id)
    for priority, same in parents.items():
        if len(same) > 1:
            raise koji.GenericError(
                f"Multiple parent tags ({same}) cannot have the same priority value "
                f"({priority}) on child tag {tag_id}"
            )
