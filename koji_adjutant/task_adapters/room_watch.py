"""A look, now and then, at the disk that a build writes to, while one of its commands runs.

A program that finds a disk full does not always say so, and a disk that was full for a moment has room when somebody
asks why the build has failed. Where the engine keeps what containers write is asked once, by the watch's own thread: a
command that is over at once costs nothing. A disk of another machine cannot be looked at.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from koji_adjutant.disks import is_full
from koji_adjutant.errors import AdjutantError

INTERVAL = 0.5


class RoomWatch:
    """A context: looks until it is left. `find` says where to look, None if that is not known."""

    def __init__(self, find: Callable[[], Path | None], interval: float = INTERVAL) -> None:
        self.was_full = False
        self._find = find
        self._interval = interval
        self._over = threading.Event()

    def __enter__(self) -> Self:
        # Nobody waits for it: an engine may be slow to answer.
        threading.Thread(target=self._look, name="room", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()

    def _look(self) -> None:
        if self._over.wait(self._interval):
            return
        try:
            place = self._find()
        except AdjutantError:
            # What became of the container is asked, and told, when its command has failed.
            return
        while place is not None and not self.was_full and not self._over.wait(self._interval):
            self.was_full = is_full(place)
