"""What an unfinished upload holds: the rows of its session and its task, and its file.

A real hub holds row locks and a file lock while the body of an upload arrives. One object for the life of the
hub, with a lock of its own: it is asked by threads that do not have the hub's.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import koji


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of the database that somebody holds: a task's or a session's."""

    table: str
    id: int


class RowHeld(Exception):
    """A call needs a row that an unfinished upload holds."""

    def __init__(self, row: Row) -> None:
        super().__init__(row)
        self.row = row


class Holds:
    def __init__(self) -> None:
        self._changed = threading.Condition(threading.RLock())
        self._rows: set[Row] = set()
        self._files: set[Path] = set()

    def require_free_row(self, table: str, row_id: int) -> None:
        row = Row(table=table, id=row_id)
        with self._changed:
            if row in self._rows:
                raise RowHeld(row)

    def wait_until_free(self, row: Row) -> None:
        with self._changed:
            self._changed.wait_for(lambda: row not in self._rows)

    def require_free_file(self, file: Path) -> None:
        with self._changed:
            if file in self._files:
                raise koji.LockError(f"{file.name} is being written by another upload")

    def take(self, file: Path, rows: frozenset[Row]) -> None:
        with self._changed:
            self.require_free_file(file)
            self._files.add(file)
            self._rows |= rows

    @contextmanager
    def releasing(self, file: Path, rows: frozenset[Row]) -> Iterator[None]:
        """Give back what `take` took, whatever happens in the block."""
        try:
            yield
        finally:
            with self._changed:
                self._files.discard(file)
                self._rows -= rows
                self._changed.notify_all()
