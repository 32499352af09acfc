"""The registry of tasks, containers and images: everything that is shown, made of the journal and the public files.

It follows the journal, and looks at a file when somebody asks for what is in it. It knows all that the journal keeps
right after its start, of daemons before and of tasks that were adopted; what is gone from there for longer than its
history is kept is forgotten. Its answers are values (`views`). Belongs to one thread; nothing of it outlives the
process; to be closed.
"""

import os
from collections import deque
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path

from koji_adjutant.journal.file import Event
from koji_adjutant.journal.old_lines import OldLines
from koji_adjutant.journal.public import (
    CONTAINERS,
    HOST,
    IMAGES,
    Containers,
    HostFacts,
    Images,
    TaskFacts,
    public_directory,
    read_facts,
    task_facts_file,
)
from koji_adjutant.journal.reader import JournalReader
from koji_adjutant.journal.state import JOURNAL
from koji_adjutant.monitoring import public_files
from koji_adjutant.monitoring.cache import cache_view
from koji_adjutant.monitoring.clock import Clock, Moment
from koji_adjutant.monitoring.containers import ContainerHistory
from koji_adjutant.monitoring.host import HostWatch
from koji_adjutant.monitoring.task_view import task_view
from koji_adjutant.monitoring.tasks import TaskHistory, TaskRecord
from koji_adjutant.monitoring.views import CacheView, ContainerView, EventView, HostView, TaskView

TASK_HISTORY_TTL, CONTAINER_HISTORY_TTL = 86400.0, 3600.0
KEPT_EVENTS = 1000
LONGEST_TASK = 4 * 86400.0
"""Seconds: the beginning of a task is looked for so long before its end."""
CHUNK = 128 << 10
"""Bytes of a journal that are read at a time: little, for what they are cut into is memory that stays used."""
AT_A_TIME = 20_000
"""Lines of a journal that are read before anybody is answered: some tenths of a second."""


class Registry:
    """What there is to show."""

    def __init__(
        self,
        state_dir: Path,
        *,
        clock: Clock | None = None,
        task_history_ttl: float = TASK_HISTORY_TTL,
        container_history_ttl: float = CONTAINER_HISTORY_TTL,
        kept_events: int = KEPT_EVENTS,
    ) -> None:
        self._state_dir = state_dir
        self._clock = clock or Clock()
        self._task_ttl = task_history_ttl
        self._container_ttl = container_history_ttl
        is_old = OldLines.than(max(task_history_ttl, container_history_ttl) + LONGEST_TASK)
        self._reader = JournalReader(state_dir / JOURNAL, chunk=CHUNK, is_old=is_old)
        self._unread: Iterator[Event] | None = None
        self._tasks = TaskHistory(self._clock)
        self._containers = ContainerHistory(self._clock)
        self._events: deque[tuple[Event, Moment]] = deque(maxlen=kept_events)
        self._number = 0
        public = public_directory(state_dir)
        self._host = HostWatch(
            public_files.Watched(public / HOST, partial(read_facts, HostFacts)), self._clock
        )
        self._listed = public_files.Watched(public / CONTAINERS, partial(read_facts, Containers))
        self._images = public_files.Watched(public / IMAGES, partial(read_facts, Images))
        self._facts: dict[int, public_files.Watched[TaskFacts]] = {}

    def close(self) -> None:
        """Let go of the journal."""
        self._reader.close()

    def refresh(self, most: int = AT_A_TIME) -> bool:
        """Read what is new of the journal; False when there is more than `most` lines. OSError; to be tried again."""
        self._clock.look()
        unread = self._unread or self._reader.new_events()
        self._unread = None
        is_all = self._take_some(unread, most)
        self._unread = None if is_all else unread
        self._forget()
        return is_all

    # What is shown

    def host(self) -> HostView:
        """The host."""
        running = sum(not record.ended for record in self._tasks)
        return self._host.view(running=running)

    def tasks(self) -> tuple[TaskView, ...]:
        """All tasks, newest first; only those that run are shown with their logs."""
        return tuple(self._task_view(record, with_logs=not record.ended) for record in self._tasks)

    def some_tasks(
        self, *, limit: int, offset: int = 0, outcome: str | None = None, method: str | None = None
    ) -> tuple[tuple[TaskView, ...], int]:
        """Those of a kind, newest first, and how many there are of it."""
        found = [
            record
            for record in self._tasks
            if outcome in (None, record.outcome) and method in (None, record.method)
        ]
        some = found[offset : offset + limit]
        return tuple(self._task_view(record, with_logs=not record.ended) for record in some), len(found)

    def subtasks(self, parent: int) -> tuple[TaskView, ...]:
        """Those of its subtasks that run here, or have run; newest first."""
        found = (record for record in self._tasks if self._parent_of(record) == parent)
        return tuple(self._task_view(record, with_logs=False) for record in found)

    def running(self) -> tuple[TaskView, ...]:
        """Those that have not ended."""
        return tuple(self._task_view(record) for record in self._tasks if not record.ended)

    def task(self, task: int) -> TaskView | None:
        """One of them."""
        record = self._tasks.find(task)
        return None if record is None else self._task_view(record)

    def containers(self) -> tuple[ContainerView, ...]:
        """All containers of the engine that have our labels, of all workers, and those that were; newest first."""
        facts = self._host.facts()
        return tuple(self._containers.views(self._listed.get(), worker=facts.worker if facts else ""))

    def container(self, container: str) -> ContainerView | None:
        """The one of that id, or of that beginning of an id, if it is of one only."""
        found = [one for one in self.containers() if container and one.id.startswith(container)]
        return found[0] if len(found) == 1 else None

    def cache(self) -> CacheView:
        """The buildroot images."""
        return cache_view(self._images.get(), self._tasks)

    def events(self, after: int) -> tuple[EventView, ...]:
        """Events with a larger number than `after`, of those that are kept."""
        missing = min(self._number - after, len(self._events))
        if missing <= 0:
            return ()
        kept = islice(self._events, len(self._events) - missing, None)
        first = self._number - missing + 1
        return tuple(self._event_view(first + place, *one) for place, one in enumerate(kept))

    @property
    def last_event(self) -> int:
        """The number of the newest event."""
        return self._number

    # Logs

    def log_path(self, task: int, name: str) -> Path | None:
        """The file of a log that the task has said to have."""
        return public_files.log_path(self._state_dir, self._facts_of(task), name)

    def open_log(self, task: int, name: str) -> int | None:
        """A handle of it, to be closed; None when there is none."""
        path = self.log_path(task, name)
        return None if path is None else public_files.open_log(path)

    def log_tail(self, task: int, name: str, most: int) -> bytes:
        """Its last bytes; none when there is no such log."""
        handle = self.open_log(task, name)
        if handle is None:
            return b""
        try:
            return os.pread(handle, most, max(0, os.fstat(handle).st_size - most))
        finally:
            os.close(handle)

    def _facts_of(self, task: int) -> TaskFacts | None:
        watched = self._facts.get(task)
        if watched is None:
            path = task_facts_file(self._state_dir, task)
            watched = public_files.Watched(path, partial(read_facts, TaskFacts))
            if self._tasks.find(task) is not None:
                self._facts[task] = watched
        return watched.get()

    def _task_view(self, record: TaskRecord, *, with_logs: bool = True) -> TaskView:
        facts = self._facts_of(record.id)
        logs = public_files.logs_of(self._state_dir, facts) if facts and with_logs else ()
        return task_view(record, facts, logs, self._clock)

    def _parent_of(self, record: TaskRecord) -> int | None:
        facts = self._facts_of(record.id) if record.parent is None else None
        return facts.parent if facts else record.parent

    # The journal

    def _take_some(self, events: Iterator[Event], most: int) -> bool:
        """Whether these were all."""
        for number, event in enumerate(events, start=1):
            self._take(event)
            if number == most:
                return False
        return True

    def _take(self, event: Event) -> None:
        moment = self._clock.moment(event)
        self._tasks.take(event, moment)
        self._containers.take(event, moment)
        self._host.take(event, moment)
        self._number += 1
        self._events.append((event, moment))

    def _event_view(self, number: int, event: Event, moment: Moment) -> EventView:
        return EventView(
            number=number,
            time=self._clock.tell(moment),
            name=event.name,
            task=event.task,
            container=event.container,
            details=event.details,
        )

    def _forget(self) -> None:
        self._tasks.end_earlier_boots()
        now = self._clock.now()
        self._tasks.forget(older_than=now - self._task_ttl)
        self._containers.forget(older_than=now - self._container_ttl)
        for task in [task for task in self._facts if self._tasks.find(task) is None]:
            del self._facts[task]
