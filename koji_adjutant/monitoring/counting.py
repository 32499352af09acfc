"""What an event of the journal counts for.

Each event is taken once; whoever hands them in sees to that (koji_adjutant.monitoring.counters). Nothing that a line
says makes it fail: what has an odd form counts for nothing, what has an odd name for `other`.
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from koji_adjutant.journal.file import Event
from koji_adjutant.journal.phases import HostEvent, Phase
from koji_adjutant.journal.requests import ENGINE_CALLS, HUB_METHODS
from koji_adjutant.monitoring import families
from koji_adjutant.monitoring.clock import Moment
from koji_adjutant.monitoring.label_values import (
    CRASH,
    ERROR,
    GIVEN_BACK,
    KINDS_OF_ENDS,
    KINDS_OF_LEFTOVERS,
    OK,
    OUTCOMES,
    REBOOT,
    ROOTS,
    SOURCES,
    Methods,
    bounded,
)
from koji_adjutant.monitoring.phases import ENDS
from koji_adjutant.monitoring.tally import Tally, number
from koji_adjutant.monitoring.task_runs import MOST, TaskRun, moment_of, seconds_between
from koji_adjutant.monitoring.views import Outcome

LOST_SECONDS = 900.0
"""A task that no main process has taken over for so long ends nowhere any more; the hub waits as long for a host."""
LAG_SECONDS = 300.0
_LAGS = 1000
_BEGINS = frozenset({Phase.OPENED, Phase.STARTED, Phase.ADOPTED})
_MEASURED = frozenset({Phase.CLOSED, Phase.FAILED})
Created = Callable[[int], float | None]
"""When a task was made on the hub, as far as anybody has noted it."""


class Counting:
    """Counts events. Of one thread."""

    def __init__(self, created: Created) -> None:
        self.tally = Tally()
        self.methods = Methods()
        self._created = created
        self._runs: dict[int, TaskRun] = {}
        self._has_run = False
        """Whether a main process was here before."""
        self._ended = ""
        """How it has ended, if it has said so."""
        self._boot = ""
        self._lags: deque[tuple[float, float]] = deque(maxlen=_LAGS)
        self.begin()

    def begin(self) -> None:
        """What has a fixed number of series is there from the beginning."""
        for family, values in (
            (families.GIVEN_BACK, GIVEN_BACK),
            (families.RESTARTS, KINDS_OF_ENDS),
            (families.ROOTS, ROOTS),
            (families.DOWNLOADED, SOURCES),
            (families.SWEPT, KINDS_OF_LEFTOVERS),
        ):
            for value in values:
                self.tally.begin(family, value)
        for family in (families.ADOPTED, families.HUB_RETRIES, families.LOG_UPLOADED, families.UPLOADED):
            self.tally.begin(family)

    def lag(self, now: float) -> float:
        """The longest that a log has lagged behind lately; `now` is the time of day."""
        return max((lag for time, lag in self._lags if now - LAG_SECONDS <= time), default=0.0)

    def take(self, event: Event) -> None:
        """Count an event."""
        now = moment_of(event)
        if event.task is not None:
            self._take_of_task(event, event.task, now)
        if count := _COUNTS.get(event.name):
            count(self, event, now)
        if any(run.left_alone for run in self._runs.values()):
            self._end_lost(now)

    # Tasks

    def _take_of_task(self, event: Event, task: int, now: Moment) -> None:
        if event.name in ENDS:
            self._end(event, task, now)
            return
        run = self._runs.get(task)
        if event.name == Phase.OPENED or (run is None and event.name in _BEGINS):
            run = self._open(event, task, now)
        if run is not None:
            run.take(event)

    def _open(self, event: Event, task: int, now: Moment) -> TaskRun:
        if task in self._runs:
            self._lose(task)
        method = self.methods.label(event.details.get("method"))
        began = None if event.name == Phase.ADOPTED else now
        run = self._runs[task] = TaskRun(method=method, began=began, keeper=event.pid)
        if len(self._runs) > MOST:
            self._lose(next(iter(self._runs)))
        if event.name == Phase.OPENED:
            created = number(event.details.get("created")) or self._created(task)
            if created:
                self.tally.observe(families.WAIT, max(0.0, now.time - created), method)
        return run

    def _end(self, event: Event, task: int, now: Moment) -> None:
        if event.name in {Phase.FREED, Phase.REFUSED}:
            self.tally.add(families.GIVEN_BACK, 1, bounded(event.details.get("reason"), GIVEN_BACK))
        run = self._runs.pop(task, None)
        if run is None:
            # Main process and task process may both say that one was canceled.
            if event.name != Phase.CANCELED:
                self._count(self.methods.label(event.details.get("method")), event.name)
            return
        run.leave_phase(now)
        self._count(run.method, event.name)
        self._count_root(run)
        if event.name in _MEASURED and run.began is not None:
            self.tally.observe(families.TASK_DURATION, seconds_between(run.began, now), run.method)
            for phase, seconds in run.spent.items():
                self.tally.observe(families.PHASE_DURATION, seconds, run.method, phase)

    def _count(self, method: str, outcome: str) -> None:
        for one in OUTCOMES:
            self.tally.begin(families.TASKS_ENDED, method, one)
        self.tally.add(families.TASKS_ENDED, 1, method, outcome)

    def _count_root(self, run: TaskRun) -> None:
        if run.root:
            self.tally.add(families.ROOTS, 1, run.root)

    def _lose(self, task: int) -> None:
        run = self._runs.pop(task)
        self._count(run.method, Outcome.LOST.value)
        self._count_root(run)

    def _end_lost(self, now: Moment) -> None:
        for task, run in list(self._runs.items()):
            if run.left_alone and seconds_between(run.left_alone, now) > LOST_SECONDS:
                self._lose(task)

    def _adopted(self, event: Event, now: Moment) -> None:  # noqa: ARG002
        self.tally.add(families.ADOPTED)
        if run := self._runs.get(event.task or 0):
            run.keeper, run.left_alone = event.pid, None

    def _ready(self, event: Event, now: Moment) -> None:  # noqa: ARG002
        root = event.details.get("root")
        if (run := self._runs.get(event.task or 0)) and isinstance(root, str) and root in ROOTS:
            # Said again when BuildRequires were added; the last word counts.
            run.root = root

    def _populated(self, event: Event, now: Moment) -> None:  # noqa: ARG002
        if seconds := number(event.details.get("seconds")):
            self.tally.observe(families.POPULATE, seconds)

    # The host

    def _started(self, event: Event, now: Moment) -> None:
        if self._has_run:
            silently = CRASH if event.boot_id == self._boot else REBOOT
            self.tally.add(families.RESTARTS, 1, bounded(self._ended or silently, KINDS_OF_ENDS))
        self._has_run, self._ended, self._boot = True, "", event.boot_id
        # Whatever it has adopted it has said before.
        for run in self._runs.values():
            if run.keeper != event.pid and run.left_alone is None:
                run.left_alone = now

    def _stopped(self, event: Event, now: Moment) -> None:  # noqa: ARG002
        why = event.details.get("why")
        self._has_run, self._ended = True, why if isinstance(why, str) else ""

    def _swept(self, event: Event, now: Moment) -> None:  # noqa: ARG002
        self.tally.add(families.SWEPT, 1, "containers")

    def _sweep_ended(self, event: Event, now: Moment) -> None:  # noqa: ARG002
        for kind, removed in _items(event.details.get("removed")):
            self.tally.add(families.SWEPT, removed, bounded(kind, KINDS_OF_LEFTOVERS))

    def _requests(self, event: Event, now: Moment) -> None:
        said = event.details
        self._count_requests(families.HUB_REQUESTS, families.HUB_DURATION, said.get("hub"), HUB_METHODS)
        self._count_requests(
            families.ENGINE_REQUESTS, families.ENGINE_DURATION, said.get("engine"), ENGINE_CALLS
        )
        self.tally.add(families.HUB_RETRIES, said.get("hub_retries"))
        self.tally.add(families.UPLOADED, said.get("uploaded_bytes"))
        self.tally.add(families.LOG_UPLOADED, said.get("log_uploaded_bytes"))
        for source, size in _items(said.get("downloaded_bytes")):
            self.tally.add(families.DOWNLOADED, size, bounded(source, SOURCES))
        if lag := number(said.get("log_lag_seconds")):
            self._lags.append((now.time, lag))

    def _count_requests(
        self, family: families.Family, durations: families.Family, said: Any, known: frozenset[str]
    ) -> None:
        for name, figures in _items(said):
            count, errors, seconds = figures if isinstance(figures, list) and len(figures) == 3 else (0, 0, 0)  # noqa: PLR2004
            label = bounded(name, known)
            failed = min(number(errors), number(count))
            self.tally.add(family, number(count) - failed, label, OK)
            self.tally.add(family, failed, label, ERROR)
            self.tally.add_up(durations, count, seconds)

    # What is kept in a file

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "values": self.tally.to_json(),
            "methods": sorted(self.methods.known),
            "tasks": {str(task): run.to_json() for task, run in self._runs.items()},
            "daemon": {"has_run": self._has_run, "ended": self._ended, "boot": self._boot},
        }

    def take_json(self, data: Any) -> None:
        """Go on from what `to_json` has made; ValueError, TypeError, KeyError, AttributeError for anything else."""
        self.tally = Tally.from_json(data["values"])
        self.begin()
        self.methods = Methods(data["methods"])
        self._runs = {int(task): TaskRun.from_json(run) for task, run in data["tasks"].items()}
        daemon = data["daemon"]
        self._has_run, self._ended, self._boot = (
            bool(daemon["has_run"]),
            str(daemon["ended"]),
            str(daemon["boot"]),
        )


def _items(said: Any) -> list[tuple[Any, Any]]:
    return list(said.items()) if isinstance(said, Mapping) else []


_COUNTS: Mapping[str, Callable[[Counting, Event, Moment], None]] = {
    Phase.ADOPTED.value: Counting._adopted,  # noqa: SLF001
    Phase.BUILDROOT_READY.value: Counting._ready,  # noqa: SLF001
    Phase.POPULATED.value: Counting._populated,  # noqa: SLF001
    Phase.SWEPT.value: Counting._swept,  # noqa: SLF001
    HostEvent.DAEMON_STARTED.value: Counting._started,  # noqa: SLF001
    HostEvent.DAEMON_STOPPED.value: Counting._stopped,  # noqa: SLF001
    HostEvent.SWEEP_ENDED.value: Counting._sweep_ended,  # noqa: SLF001
    HostEvent.REQUESTS.value: Counting._requests,  # noqa: SLF001
}
