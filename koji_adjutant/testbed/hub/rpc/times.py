"""Moments as Koji sends them: epoch seconds, and the same moment as text."""

from datetime import UTC, datetime
from typing import Any

import koji


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


def epoch_seconds(moment: float | str) -> float:
    """A moment as clients write it: epoch seconds, or ISO 8601, in UTC where it names no zone."""
    if not isinstance(moment, str):
        return float(moment)
    try:
        parsed = datetime.fromisoformat(moment)
    except ValueError as error:
        raise koji.ParameterError(f"not a moment: {moment!r}") from error
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
