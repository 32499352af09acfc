"""The journal: a JSON line an event, appended by any process of the daemon.

`<state_dir>/journal` is for people and tools that want to know what happened when; nothing of the daemon reads it.
A line is one write to a file opened for appending, so lines of several processes do not mix, and a file that was
moved away is left alone. At start, a journal that has grown long is kept as `journal.old`.
"""

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from koji_adjutant.journal import Phase

KEEP_BYTES = 64 << 20
_OWN_KEYS = ("time", "task", "phase", "container")

logger = logging.getLogger("koji.adjutant.journal")


@dataclass(frozen=True, kw_only=True)
class Event:
    """One line of a journal."""

    time: datetime
    phase: str
    task: int | None = None
    container: str = ""
    details: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


class FileJournal:
    """Writes events to a file. That it cannot be written is said once and harms nobody."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._has_complained = False

    def rotate(self, keep: int = KEEP_BYTES) -> None:
        """Move a journal of more than `keep` bytes out of the way."""
        if self._path.exists() and self._path.stat().st_size > keep:
            self._path.rename(self._path.with_suffix(".old"))

    def record(
        self, phase: Phase, *, task: int | None = None, container: str = "", **details: object
    ) -> None:
        """Write one event."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        event = {"time": now, "task": task, "phase": phase.value, "container": container, **details}
        line = json.dumps(event, default=str) + "\n"
        try:
            self._append(line.encode())
        except OSError as error:
            if not self._has_complained:
                logger.warning("journal %s cannot be written: %s", self._path, error)
            self._has_complained = True

    def _append(self, line: bytes) -> None:
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(handle, line)
        finally:
            os.close(handle)


def read_journal(path: Path) -> list[Event]:
    """All events of a journal, oldest first; a last line that is not complete yet is left out."""
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    return [_event(json.loads(line)) for line in lines]


def _event(data: dict[str, Any]) -> Event:
    return Event(
        time=datetime.fromisoformat(data["time"]),
        phase=data["phase"],
        task=data["task"],
        container=data["container"],
        details={key: value for key, value in data.items() if key not in _OWN_KEYS},
    )
