"""Versioned rows, as Koji keeps them: a change revokes the active row and creates another, at an event.

A versioned table has create_event, revoke_event, creator_id, revoker_id and active (1, or NULL once revoked).
"""

from typing import Any

from koji_adjutant.testbed.hub.rpc.call import Call


def at_event(event: int | None, table: str = "") -> str:
    """The SQL condition for the rows of `table` (a name or alias) that hold at `event`, or now."""
    prefix = f"{table}." if table else ""
    if event is None:
        return f"({prefix}active = 1)"
    moment = int(event)
    return (
        f"({prefix}create_event <= {moment} AND "
        f"({prefix}revoke_event IS NULL OR {moment} < {prefix}revoke_event))"
    )


def create_version(call: Call, table: str, **values: Any) -> int:
    """Insert an active row, created at this call's event by this call's user."""
    return call.db.insert(
        table, **values, create_event=call.new_event(), creator_id=call.require_user_id(), active=1
    )


def revoke_versions(call: Call, table: str, **where: Any) -> int:
    """Revoke the active rows whose columns equal `where`; how many there were."""
    return call.db.update(
        table,
        {**where, "active": 1},
        active=None,
        revoke_event=call.new_event(),
        revoker_id=call.require_user_id(),
    )
