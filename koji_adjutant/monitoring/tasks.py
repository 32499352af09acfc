"""The tasks of a host, made from the events of its journal: those that run, and those that have run.

A record is small, and there are at most `most` of them: a journal keeps more than a server should. A task that comes
back after it was freed begins anew. Belongs to one thread; as durable as the process.
"""

import sys
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from koji_adjutant.journal.file import Event
from koji_adjutant.journal.phases import HostEvent, Phase
from koji_adjutant.journal.use import Root
from koji_adjutant.monitoring.clock import Clock, Moment, Moments
from koji_adjutant.monitoring.phases import ENDS, PhaseName, phase_after
from koji_adjutant.monitoring.views import Outcome

MOST = 2000
MOST_PHASES = 30
"""Of a task: a build with many rounds of BuildRequires has a dozen."""
MOST_CONTAINERS = 40
MOST_RESULTS = 50
MOST_LINES, LINE_LENGTH = 20, 400
"""Of the log of a failed task: how many, and characters of each."""
ERROR_LENGTH = 2000
MEASURES = ("memory_bytes", "cpu_seconds", "read_bytes", "written_bytes", "disk_bytes", "pids", "cpus")
ADDED_UP = frozenset({"cpu_seconds", "read_bytes", "written_bytes"})
"""Of several containers of a task; of the rest the largest counts."""
_OUTCOMES: Mapping[str, Outcome] = {name.value: Outcome(name.value) for name in ENDS}


@dataclass(slots=True)
class TaskRecord:
    """What the journal has said of a task so far."""

    id: int
    first: Moment
    last: Moment
    method: str = ""
    label: str = ""
    parent: int | None = None
    opened: Moment | None = None
    ended: Moment | None = None
    outcome: Outcome = Outcome.RUNNING
    adopted: int = 0
    phases: list[PhaseName] = field(default_factory=list)
    began: Moments = field(default_factory=Moments)
    """When each phase began; it ended where the next began."""
    buildroot: int | None = None
    image: str = ""
    image_digest: str = ""
    root: str = ""
    packages: int | None = None
    limits: dict[str, float] = field(default_factory=dict)
    peak: dict[str, float] = field(default_factory=dict)
    containers: list[str] = field(default_factory=list)
    results: str = ""
    """One string, as `last_lines`."""
    error: str = ""
    first_error_line: str = ""
    last_lines: str = ""
    """One string: a list of twenty is three times as large."""
    populate_seconds: float | None = None

    def take(self, event: Event, now: Moment) -> None:
        """Note an event of it."""
        self.last = now
        name, details = event.name, event.details
        if name in _OUTCOMES:
            self._end(_OUTCOMES[name], now, details)
        elif name in _TAKERS:
            _TAKERS[name](self, event, now)
        if not self.ended and (phase := phase_after(name, details, method=self.method)):
            self._enter(phase, now)

    def _enter(self, phase: PhaseName, now: Moment) -> None:
        if len(self.phases) < MOST_PHASES and (not self.phases or self.phases[-1] is not phase):
            self.phases.append(phase)
            self.began.append(now)

    def _end(self, outcome: Outcome, now: Moment, details: Mapping[str, Any]) -> None:
        if self.ended and self.outcome is not Outcome.LOST:
            return
        self.outcome, self.ended = outcome, now
        self.error = _text(details.get("error") or details.get("why"), ERROR_LENGTH)
        self.first_error_line = _text(details.get("first_error_line"), LINE_LENGTH)
        self.last_lines = _lines(details.get("last_lines"), slice(-MOST_LINES, None))
        self.results = _lines(details.get("results"), slice(MOST_RESULTS))

    def _take_opened(self, event: Event, now: Moment) -> None:
        self._take_started(event, now)
        self.opened = now
        self.label = _text(event.details.get("label"), 300)
        self.parent = _number(event.details.get("parent"))

    def _take_started(self, event: Event, now: Moment) -> None:  # noqa: ARG002
        self.method = sys.intern(_text(event.details.get("method"), 100)) or self.method

    def _take_adopted(self, event: Event, now: Moment) -> None:
        self._take_started(event, now)
        self.adopted += 1
        if self.outcome is Outcome.LOST:
            self.outcome, self.ended = Outcome.RUNNING, None

    def _take_record(self, event: Event, now: Moment) -> None:  # noqa: ARG002
        self.buildroot = _number(event.details.get("buildroot"))

    def _take_image(self, event: Event, now: Moment) -> None:  # noqa: ARG002
        self.image = _text(event.details.get("image"), 300)
        self.image_digest = _text(event.details.get("digest"), 100)
        if event.details.get("key"):
            self.root = (Root.DEPS_HIT if self.root else Root.HIT).value

    def _take_populated(self, event: Event, now: Moment) -> None:
        if not self.root:
            seconds = event.details.get("seconds")
            if isinstance(seconds, int | float):
                self.populate_seconds = float(seconds)
            elif self.phases and self.phases[-1] is PhaseName.POPULATING:
                self.populate_seconds = _between(self.began[len(self.began) - 1], now)
        self.root = Root.POPULATED.value

    def _take_ready(self, event: Event, now: Moment) -> None:  # noqa: ARG002
        self.root = _text(event.details.get("root"), 20) or self.root
        packages = _number(event.details.get("packages"))
        self.packages = self.packages if packages is None else packages
        self.limits = measures(event.details.get("limits")) or self.limits

    def _take_container(self, event: Event, now: Moment) -> None:  # noqa: ARG002
        if event.container and len(self.containers) < MOST_CONTAINERS:
            self.containers.append(event.container)

    def _take_usage(self, event: Event, now: Moment) -> None:  # noqa: ARG002
        if "phase" in event.details:
            return
        for name, value in measures(event.details).items():
            before = self.peak.get(name, 0.0)
            self.peak[name] = before + value if name in ADDED_UP else max(before, value)


_TAKERS = {
    Phase.OPENED.value: TaskRecord._take_opened,  # noqa: SLF001
    Phase.STARTED.value: TaskRecord._take_started,  # noqa: SLF001
    Phase.ADOPTED.value: TaskRecord._take_adopted,  # noqa: SLF001
    Phase.BUILDROOT_RECORD.value: TaskRecord._take_record,  # noqa: SLF001
    Phase.IMAGE_READY.value: TaskRecord._take_image,  # noqa: SLF001
    Phase.POPULATED.value: TaskRecord._take_populated,  # noqa: SLF001
    Phase.BUILDROOT_READY.value: TaskRecord._take_ready,  # noqa: SLF001
    Phase.CONTAINER_CREATED.value: TaskRecord._take_container,  # noqa: SLF001
    HostEvent.USAGE.value: TaskRecord._take_usage,  # noqa: SLF001
}
OF_NO_RUN = frozenset(
    {
        Phase.SWEPT.value,
        HostEvent.TASK_NOT_TAKEN.value,
        HostEvent.IMAGE_REQUESTED.value,
        HostEvent.REQUESTS.value,
        HostEvent.USAGE.value,
    }
)
"""Events that name a task which need not have run here."""


def _lines(value: Any, some: slice) -> str:
    """Some of a list of texts, a line each."""
    if not isinstance(value, list):
        return ""
    return "\n".join(_text(line, LINE_LENGTH).replace("\n", " ") for line in value[some])


class TaskHistory:
    """The records of tasks, the one that began last at the end."""

    def __init__(self, clock: Clock, *, most: int = MOST) -> None:
        self._clock = clock
        self._most = most
        self._records: OrderedDict[int, TaskRecord] = OrderedDict()
        self._doubted: set[int] = set()
        """Those that ran when a main process started, and that it has not said to have adopted."""

    def __iter__(self) -> Iterator[TaskRecord]:
        """Newest first."""
        return reversed(self._records.values())

    def find(self, task: int) -> TaskRecord | None:
        return self._records.get(task)

    def take(self, event: Event, now: Moment) -> None:
        """Note an event of any kind."""
        if event.name == HostEvent.DAEMON_STARTED:
            self._doubted = {record.id for record in self._records.values() if not record.ended}
        elif event.name in (HostEvent.READY, HostEvent.NOT_READY) and self._doubted:
            self._lose()
        if event.task is None:
            return
        record = self._records.get(event.task)
        if record is None or event.name == Phase.OPENED:
            if event.name in OF_NO_RUN:
                return
            record = TaskRecord(event.task, now, now)
            self._records[event.task] = record
            self._records.move_to_end(event.task)
            self._make_room()
        record.take(event, now)
        if event.name == Phase.ADOPTED:
            self._doubted.discard(event.task)

    def forget(self, *, older_than: float) -> None:
        """Drop those that ended before a time of day."""
        gone = [
            record.id
            for record in self._records.values()
            if record.ended and self._clock.tell(record.ended) < older_than
        ]
        for task in gone:
            del self._records[task]

    def end_earlier_boots(self) -> None:
        """No task outlives the machine that it runs on, whether a daemon has come to say so or not."""
        for record in self._records.values():
            if not record.ended and record.last.boot not in {"", self._clock.boot}:
                record.outcome, record.ended = Outcome.LOST, record.last

    def _make_room(self) -> None:
        while len(self._records) > self._most:
            ended = (record.id for record in self._records.values() if record.ended)
            del self._records[next(ended, next(iter(self._records)))]

    def _lose(self) -> None:
        """A main process that says whether it takes tasks has adopted before what runs still."""
        for task in self._doubted:
            record = self._records.get(task)
            if record and not record.ended:
                record.outcome, record.ended = Outcome.LOST, record.last
        self._doubted.clear()


def measures(said: Any) -> dict[str, float]:
    """The figures of an event that are figures, by name."""
    if not isinstance(said, Mapping):
        return {}
    return {
        name: float(value)
        for name in MEASURES
        if isinstance(value := said.get(name), int | float) and not isinstance(value, bool)
    }


def _between(began: Moment, ended: Moment) -> float | None:
    if began.since_boot is None or ended.since_boot is None:
        return max(0.0, ended.time - began.time)
    return max(0.0, ended.since_boot - began.since_boot) if began.boot == ended.boot else None


def _text(value: Any, most: int) -> str:
    return value[:most] if isinstance(value, str) else ""


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
