"""`queryOpts`: order, offset, limit and countOnly over rows that are already read."""

from typing import Any

import koji

from koji_adjutant.testbed.hub.rpc.database import Row

QueryOptions = dict[str, Any] | None


def apply_options(rows: list[Row], options: QueryOptions) -> Any:
    """The rows as the client wants them; their number with `countOnly`."""
    options = options or {}
    for key in reversed((options.get("order") or "").split(",")):
        if key:
            rows = _ordered(rows, key)
    offset = options.get("offset") or 0
    limit = options.get("limit")
    rows = rows[offset:] if limit is None else rows[offset : offset + limit]
    return len(rows) if options.get("countOnly") else rows


def _ordered(rows: list[Row], key: str) -> list[Row]:
    name = key.removeprefix("-")
    if rows and name not in rows[0]:
        raise koji.ParameterError(f"cannot order by {name!r}: no such field")
    # As the real hub's database does it: no value comes after every value.
    return sorted(rows, key=lambda row: (row[name] is None, row[name]), reverse=key.startswith("-"))
