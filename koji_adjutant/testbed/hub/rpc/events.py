"""Events: the moments at which configuration changed. A call that changes something makes at most one."""

from typing import Any

import koji

from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row
from koji_adjutant.testbed.hub.rpc.registry import exposed
from koji_adjutant.testbed.hub.rpc.values import as_int


@exposed("getEvent")
def get_event(call: Call, id: Any, strict: bool = True) -> Row | None:
    return _found(call.db.one("SELECT id, time AS ts FROM events WHERE id = ?", (as_int(id),)), strict)


@exposed("getLastEvent")
def get_last_event(call: Call, before: float | None = None, strict: bool = True) -> Row | None:
    if before is None:
        row = call.db.one("SELECT id, time AS ts FROM events ORDER BY id DESC LIMIT 1")
    elif isinstance(before, (int, float)):
        row = call.db.one(
            "SELECT id, time AS ts FROM events WHERE time < ? ORDER BY id DESC LIMIT 1", (before,)
        )
    else:
        raise koji.GenericError(f"Invalid type for before: {type(before)}")
    return _found(row, strict)


def _found(row: Row | None, strict: bool) -> Row | None:
    if row is None and strict:
        raise koji.GenericError("query returned no rows")
    return row
