"""What a build costs, measured while it runs: memory of the daemon's processes, seconds of a task."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from koji_adjutant.testbed.engine.processes import command_line
from koji_adjutant.testbed.services import Service, children_of, resident_kb

INTERVAL = 0.05


@dataclass(kw_only=True)
class Memory:
    """Highest resident memory seen, in kB."""

    main: int = 0
    task: int = 0

    def take(self, daemon: Service, is_task: "IsTask | None" = None) -> None:
        """Measure once, and keep the highest values."""
        self.main = max(self.main, resident_kb(daemon.pid))
        of_task = is_task or is_forked
        forked = [child for child in children_of(daemon.pid) if of_task(child, daemon.pid)]
        self.task = max([self.task, *map(resident_kb, forked)])


def is_forked(child: int, parent: int) -> bool:
    """Whether a process still runs the program that it was forked with: the status server does not."""
    return command_line(child) == command_line(parent)


IsTask = Callable[[int, int], bool]


@contextmanager
def watched(daemon: Service, is_task: IsTask = is_forked) -> Iterator[Memory]:
    """Look again and again at the daemon and its task processes, until the block ends."""
    seen, ended = Memory(), threading.Event()

    def look() -> None:
        while not ended.wait(INTERVAL):
            seen.take(daemon, is_task)

    watcher = threading.Thread(target=look, name="memory", daemon=True)
    watcher.start()
    try:
        yield seen
    finally:
        ended.set()
        watcher.join()
