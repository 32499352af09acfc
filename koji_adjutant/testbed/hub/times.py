"""Moments as Koji sends them: epoch seconds, and the same moment as text."""

from datetime import UTC, datetime
from typing import Any


def utc_text(timestamp: float | None) -> str | None:
    """The moment as the hub writes it: `2026-01-31 12:00:00.123456+00:00`."""
    if timestamp is None:
        return None
    return datetime.fromtimestamp(timestamp, UTC).isoformat(" ")


def add_times(row: dict[str, Any], *names: str) -> dict[str, Any]:
    """For each name, `name_ts` is in the row (epoch seconds or None): add `name_time`."""
    for name in names:
        row[f"{name}_time"] = utc_text(row[f"{name}_ts"])
    return row
