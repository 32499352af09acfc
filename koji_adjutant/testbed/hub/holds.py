"""What an unfinished upload holds: the row of its task, and its file.

A real hub holds a row lock and a file lock while the body of an upload arrives. One object for the life of
the hub, with a lock of its own: it is asked by threads that do not have the hub's.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import koji


class Holds:
    def __init__(self) -> None:
        self._changed = threading.Condition(threading.RLock())
        self._tasks: set[int] = set()
        self._files: set[Path] = set()

    def __contains__(self, task_id: object) -> bool:
        with self._changed:
            return task_id in self._tasks

    def wait_until_free(self, task_id: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: task_id not in self._tasks)

    def require_free_file(self, file: Path) -> None:
        with self._changed:
            if file in self._files:
                raise koji.LockError(f"{file.name} is being written by another upload")

    def take(self, file: Path, task_id: int | None) -> None:
        with self._changed:
            self.require_free_file(file)
            self._files.add(file)
            if task_id is not None:
                self._tasks.add(task_id)

    @contextmanager
    def releasing(self, file: Path, task_id: int | None) -> Iterator[None]:
        """Give back what `take` took, whatever happens in the block."""
        try:
            yield
        finally:
            with self._changed:
                self._files.discard(file)
                self._tasks.discard(task_id if task_id is not None else -1)
                self._changed.notify_all()
