"""The past of versioned tables: every row that ever held, who made and revoked it, and when."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import koji
import koji.util

from koji_adjutant.testbed.hub.builds.builds import find_build_id
from koji_adjutant.testbed.hub.rpc import lookups
from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row
from koji_adjutant.testbed.hub.rpc.query_options import apply_options
from koji_adjutant.testbed.hub.rpc.registry import exposed

TABLES: dict[str, tuple[str, ...]] = {
    "user_perms": ("user_id", "perm_id"),
    "user_groups": ("user_id", "group_id"),
    "tag_inheritance": (
        *("tag_id", "parent_id", "priority", "maxdepth", "intransitive", "noconfig", "pkg_filter"),
    ),
    "tag_config": ("tag_id", "arches", "perm_id", "locked", "maven_support", "maven_include_all"),
    "tag_extra": ("tag_id", "key", "value"),
    "build_target_config": ("build_target_id", "build_tag", "dest_tag"),
    "external_repo_config": ("external_repo_id", "url"),
    "host_config": ("host_id", "arches", "capacity", "description", "comment", "enabled"),
    "host_channels": ("host_id", "channel_id"),
    "tag_external_repos": ("tag_id", "external_repo_id", "priority", "merge_mode", "arches"),
    "tag_listing": ("build_id", "tag_id"),
    "tag_packages": ("package_id", "tag_id", "blocked", "extra_arches"),
    "tag_package_owners": ("package_id", "tag_id", "owner"),
    "group_config": (
        *("group_id", "tag_id", "blocked", "exported", "display_name", "is_default", "uservisible"),
        *("description", "langonly", "biarchonly"),
    ),
    "group_req_listing": ("group_id", "tag_id", "req_id", "blocked", "type", "is_metapkg"),
    "group_package_listing": (
        *("group_id", "tag_id", "package", "blocked", "type", "basearchonly", "requires"),
    ),
}
# The column's table, and the word before `.name` in the answer.
NAMES = {
    "user_id": ("users", "user"),
    "owner": ("users", "owner"),
    "perm_id": ("permissions", "permission"),
    "tag_id": ("tag", "tag"),
    "parent_id": ("tag", "parent"),
    "build_tag": ("tag", "build_tag"),
    "dest_tag": ("tag", "dest_tag"),
    "build_target_id": ("build_target", "build_target"),
    "external_repo_id": ("external_repo", "external_repo"),
    "host_id": ("host", "host"),
    "channel_id": ("channels", "channels"),
    "package_id": ("package", "package"),
    "group_id": ("groups", "group"),
    "req_id": ("groups", "req"),
}
# What a client may ask for: the table to look it up in, and the columns that it may be in.
SUBJECTS = {
    "tag": ("tag", ("tag_id", "parent_id")),
    "user": ("users", ("user_id", "owner")),
    "permission": ("permissions", ("perm_id",)),
    "host": ("host", ("host_id",)),
    "channel": ("channels", ("channel_id",)),
    "external_repo": ("external_repo", ("external_repo_id",)),
    "build_target": ("build_target", ("build_target_id",)),
    "group": ("groups", ("group_id",)),
}


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A bound in time: a row is wanted that was made, or revoked, on that side of it."""

    made: str
    revoked: str
    suffix: str
    is_beyond: Callable[[Any, Any], bool]


MOMENTS = {
    "after": Moment(made="create_ts", revoked="revoke_ts", suffix="after", is_beyond=lambda a, b: a > b),
    "before": Moment(made="create_ts", revoked="revoke_ts", suffix="before", is_beyond=lambda a, b: a < b),
    "afterEvent": Moment(
        made="create_event", revoked="revoke_event", suffix="after_event", is_beyond=lambda a, b: a > b
    ),
    "beforeEvent": Moment(
        made="create_event", revoked="revoke_event", suffix="before_event", is_beyond=lambda a, b: a < b
    ),
}


@exposed("queryHistory")
def query_history(call: Call, tables: Sequence[str] | None = None, **filters: Any) -> dict[str, Any]:
    """Rows by table; a table to which a filter cannot apply is left out."""
    options = filters.pop("queryOpts", None)
    for table in tables or ():
        if table not in TABLES:
            raise koji.GenericError(f"No such history table: {table}")
    found = {}
    for table in sorted(TABLES) if tables is None else tables:
        conditions = _conditions(call, table, filters)
        if conditions is None:
            continue
        rows = [row for row in _rows(call, table, conditions) if _passes(row, filters)]
        found[table] = apply_options(rows, options)
    return found


def _conditions(call: Call, table: str, filters: Mapping[str, Any]) -> dict[str, Any] | None:
    """SQL conditions and their one value each, or None where a filter has no column here."""
    columns = TABLES[table]
    found: dict[str, Any] = {}
    for name, value in filters.items():
        if name in SUBJECTS:
            kind, candidates = SUBJECTS[name]
            own = [column for column in candidates if column in columns]
            found[" OR ".join(f"{table}.{column} = ?1" for column in own)] = lookups.id_of(call, kind, value)
        elif name == "build":
            found[f"{table}.build_id = ?1" if "build_id" in columns else ""] = find_build_id(
                call, value, strict=True
            )
        elif name == "package":
            found.update(_package_condition(call, table, value))
        elif name == "xkey":
            found[f"{table}.key = ?1" if "key" in columns else ""] = value
        elif name == "editor":
            editor = lookups.id_of(call, "users", value)
            found[f"{table}.creator_id = ?1 OR {table}.revoker_id = ?1"] = editor
    return None if "" in found else found


def _package_condition(call: Call, table: str, package: Any) -> dict[str, Any]:
    columns = TABLES[table]
    if "package" in columns:
        return {f"{table}.package = ?1": str(package)}
    package_id = lookups.id_of(call, "package", package)
    if "build_id" in columns:
        return {f"{table}.build_id IN (SELECT id FROM build WHERE pkg_id = ?1)": package_id}
    return {f"{table}.package_id = ?1" if "package_id" in columns else "": package_id}


def _rows(call: Call, table: str, conditions: Mapping[str, Any]) -> list[Row]:
    columns = [f"{table}.{name} AS {name}" for name in (*TABLES[table], "create_event", "revoke_event")]
    columns += [f"{table}.creator_id AS creator_id", f"{table}.revoker_id AS revoker_id"]
    columns += [f"{table}.active AS active", "creator.name AS creator_name", "revoker.name AS revoker_name"]
    columns += ["made.time AS create_ts", "revoked.time AS revoke_ts"]
    tables = (
        f"{table} JOIN events AS made ON made.id = {table}.create_event "
        f"LEFT JOIN events AS revoked ON revoked.id = {table}.revoke_event "
        f"JOIN users AS creator ON creator.id = {table}.creator_id "
        f"LEFT JOIN users AS revoker ON revoker.id = {table}.revoker_id"
    )
    for column in TABLES[table]:
        if column == "build_id":
            tables += " JOIN build ON build.id = build_id JOIN package ON package.id = pkg_id"
            columns += ["package.name AS name", "version", "release", "epoch", 'build.state AS "build.state"']
        elif column in NAMES:
            other, word = NAMES[column]
            other = "users" if table == "user_groups" else other
            tables += f" LEFT JOIN {other} AS named_{word} ON named_{word}.id = {table}.{column}"
            columns.append(f'named_{word}.name AS "{word}.name"')
    # One statement can number its parameters, so each condition has a number of its own.
    numbered = [clause.replace("?1", f"?{n}") for n, clause in enumerate(conditions, 1)]
    where = " AND ".join(f"({clause})" for clause in numbered) or "1"
    sql = f"SELECT {', '.join(columns)} FROM {tables} WHERE {where} ORDER BY {table}.create_event"
    rows = call.db.all(sql, list(conditions.values()))
    return [{**row, "active": True if row["active"] else None} for row in rows]


def _passes(row: Row, filters: Mapping[str, Any]) -> bool:
    """Whether state and time are as wanted. Says in the row which of its ends is beyond a moment."""
    active = filters.get("active")
    if active is not None and bool(active) is not (row["active"] is True):
        return False
    if "editor" in filters:
        row["_created_by"] = filters["editor"] in {row["creator_id"], row["creator_name"]}
        revoker = {row["revoker_id"], row["revoker_name"]}
        row["_revoked_by"] = None if row["active"] else filters["editor"] in revoker
    return all(_is_beyond(row, moment, filters[name]) for name, moment in MOMENTS.items() if name in filters)


def _is_beyond(row: Row, moment: Moment, bound: Any) -> bool:
    if isinstance(bound, str):
        bound = koji.util.parseTime(bound)
    ends = {"created": row[moment.made], "revoked": row[moment.revoked]}
    beyond = {end: None if at is None else moment.is_beyond(at, bound) for end, at in ends.items()}
    row.update({f"_{end}_{moment.suffix}": value for end, value in beyond.items()})
    return any(beyond.values())
