"""Things that have an id and a unique name: found by either, or by a dict that holds one of them."""

from typing import Any

import koji

from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row


def key_of(info: Any) -> tuple[str, int | str]:
    """Which column to look in, and for what."""
    if isinstance(info, dict):
        if "id" not in info and "name" not in info:
            raise koji.ParameterError(f"Invalid name or id value: {info}")
        info = info["id"] if "id" in info else info["name"]
    if isinstance(info, int):
        return "id", info
    if isinstance(info, str):
        return "name", info
    raise koji.ParameterError(f"Invalid name or id value: {info}")


def find(call: Call, table: str, info: Any) -> Row | None:
    column, value = key_of(info)
    return call.db.one(f"SELECT id, name FROM {table} WHERE {column} = ?", (value,))


def find_strictly(call: Call, table: str, info: Any) -> Row:
    row = find(call, table, info)
    if row is None:
        raise koji.GenericError(f"No such entry in table {table}: {info}")
    return row


def find_or_create(call: Call, table: str, info: Any) -> Row:
    row = find(call, table, info)
    if row is not None:
        return row
    if not isinstance(info, str):
        raise koji.GenericError("Name must be a string")
    return {"id": call.db.insert(table, name=info), "name": info}


def id_of(call: Call, table: str, info: Any) -> int:
    found: int = find_strictly(call, table, info)["id"]
    return found


def id_or_none(call: Call, table: str, info: Any) -> int | None:
    row = find(call, table, info)
    return None if row is None else row["id"]
