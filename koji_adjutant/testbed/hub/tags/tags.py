"""Tags: what a tag is at an event, and what else is asked about it. Without an active row it is deleted."""

import json
from typing import Any

import koji

from koji_adjutant.testbed.hub.rpc import lookups
from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row
from koji_adjutant.testbed.hub.rpc.query_options import QueryOptions, apply_options
from koji_adjutant.testbed.hub.rpc.registry import exposed
from koji_adjutant.testbed.hub.rpc.versions import at_event

_COLUMNS = (
    "tag.id AS id, tag.name AS name, tag_config.perm_id AS perm_id, permissions.name AS perm, "
    "tag_config.arches AS arches, tag_config.locked AS locked, "
    "tag_config.maven_support AS maven_support, tag_config.maven_include_all AS maven_include_all"
)
_TABLES = (
    "tag_config JOIN tag ON tag.id = tag_config.tag_id "
    "LEFT JOIN permissions ON permissions.id = tag_config.perm_id"
)

# Each extra value with whether it is blocked, for `getBuildConfig`.
BlockableExtra = dict[str, tuple[bool, Any]]


@exposed("getTag")
def get_tag(
    call: Call,
    tagInfo: Any,
    strict: bool = False,
    event: int | str | None = None,
    blocked: bool = False,
) -> Row | None:
    """The tag, with `query_event` when an event was given; event "auto" means the last one it existed at."""
    column, value = lookups.key_of(tagInfo)
    revoke_event = None
    if event == "auto":
        revoke_event = _deleted_at(call, column, value)
        event = None if revoke_event is None else revoke_event - 1
    if event is not None and not isinstance(event, int):
        raise koji.GenericError(f"Invalid event: {event!r}")
    tag = call.db.one(
        f"SELECT {_COLUMNS} FROM {_TABLES} WHERE tag.{column} = ? AND {at_event(event, 'tag_config')}",
        (value,),
    )
    if tag is None:
        if strict:
            raise koji.GenericError(f"No such tagInfo: {tagInfo!r}")
        return None
    if revoke_event is not None:
        tag["revoke_event"] = revoke_event
    extra = read_extra(call, tag["id"], event)
    tag["extra"] = extra if blocked else {key: value for key, (hidden, value) in extra.items() if not hidden}
    if event is not None:
        tag["query_event"] = event
    return tag


def require_tag(call: Call, info: Any, event: int | None = None) -> Row:
    tag: Row = get_tag(call, info, strict=True, event=event)  # type: ignore[assignment]
    return tag


def _deleted_at(call: Call, column: str, value: int | str) -> int | None:
    """The event that revoked the tag's last configuration, or None for a tag that is there."""
    revoked: int | None = call.db.value(
        "SELECT revoke_event FROM tag_config JOIN tag ON tag.id = tag_config.tag_id "
        f"WHERE tag.{column} = ? ORDER BY create_event DESC LIMIT 1",
        (value,),
    )
    return revoked


def read_extra(call: Call, tag_id: int, event: int | None = None) -> BlockableExtra:
    rows = call.db.all(
        f"SELECT key, value FROM tag_extra WHERE tag_id = ? AND {at_event(event)}",
        (tag_id,),
    )
    return {
        row["key"]: (row["value"] is None, None if row["value"] is None else json.loads(row["value"]))
        for row in rows
    }


@exposed("listTags")
def list_tags(
    call: Call,
    build: Any = None,
    package: Any = None,
    perms: bool = True,
    queryOpts: QueryOptions = None,
    pattern: str | None = None,
) -> Any:
    if build is not None and package is not None:
        raise koji.GenericError("only one of build and package may be specified")
    columns = "tag.id AS id, tag.name AS name, arches, locked, maven_support, maven_include_all"
    if perms:
        columns += ", perm_id, permissions.name AS perm"
    tables, conditions, values = _TABLES, ["tag_config.active = 1"], list[Any]()
    if build is not None:
        tables += " JOIN tag_listing ON tag_listing.tag_id = tag.id AND tag_listing.active = 1"
        conditions.append("tag_listing.build_id = ?")
        values.append(_build_id(call, build))
    if package is not None:
        columns += ", users.id AS owner_id, users.name AS owner_name, blocked, extra_arches"
        tables += (
            " JOIN tag_packages ON tag_packages.tag_id = tag.id AND tag_packages.active = 1"
            " JOIN tag_package_owners AS owners ON owners.tag_id = tag.id AND owners.active = 1"
            " AND owners.package_id = tag_packages.package_id JOIN users ON users.id = owners.owner"
        )
        conditions.append("tag_packages.package_id = ?")
        values.append(_package_id(call, package))
    if pattern is not None:
        conditions.append("LOWER(tag.name) GLOB LOWER(?)")
        values.append(pattern)
    sql = f"SELECT {columns} FROM {tables} WHERE {' AND '.join(conditions)}"
    return apply_options(call.db.all(sql, values), queryOpts)


def _build_id(call: Call, build: Any) -> int:
    row = call.invoke("getBuild", build)
    if row is None:
        raise koji.GenericError(f"No such build: {build}")
    found: int = row["id"]
    return found


def _package_id(call: Call, package: Any) -> int:
    row = lookups.find(call, "package", package)
    if row is None:
        raise koji.GenericError(f"No such package: {package}")
    found: int = row["id"]
    return found
