"""What is drawn of a task's phases: spans as shares of a width, for the templates to draw."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from koji_adjutant.monitoring.phases import PhaseName
from koji_adjutant.monitoring.views import PhaseView, TaskView

WIDTH = 1000.0
"""Of every bar, in its own units."""
LEAST = 2.0
"""The width at which a span is still seen."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """A phase within a bar."""

    name: str
    x: float
    width: float
    seconds: float
    began: float
    running: bool


@dataclass(frozen=True, kw_only=True)
class PhaseBar:
    """All phases of a task beside each other, and where the package's average ends."""

    spans: tuple[Span, ...]
    average_x: float | None
    elapsed: float
    """Since the task was opened."""
    average: float | None

    @property
    def text(self) -> str:
        """The bar for who does not see it."""
        return ", ".join(f"{one.name} {one.seconds:.0f} s" for one in self.spans) or "no phase yet"


def elapsed(task: TaskView, now: float) -> float | None:
    """Since the opening of `task` here, until its end."""
    return None if task.opened is None else max(0.0, (task.ended or now) - task.opened)


def phase_bar(task: TaskView, now: float) -> PhaseBar:
    """The bar of `task`. It is as long as the average, or as what has passed when that is more."""
    passed = elapsed(task, now) or 0.0
    began = task.opened if task.opened is not None else now
    full = max(passed, task.average_seconds or 0.0, 1.0)
    phases = [phase for phase in task.phases if (phase.ended or now) > began]
    spans = tuple(_spans(phases, began, full, task.ended or now))
    average = task.average_seconds
    x = None if average is None else min(WIDTH, WIDTH * average / full)
    return PhaseBar(spans=spans, average_x=x, elapsed=passed, average=average)


def timeline(task: TaskView, now: float) -> tuple[Span, ...]:
    """The phases of `task`, from its making on the hub where that is known, each where it was in the whole."""
    if not task.phases:
        return ()
    end = task.ended or now
    began = min(phase.began for phase in task.phases)
    return tuple(_spans(list(task.phases), began, max(end - began, 0.1), end))


def phase_names(tasks: Iterable[TaskView]) -> tuple[str, ...]:
    """The phases that `tasks` have had, each once, in the order in which a build passes through them."""
    had = {phase.name for task in tasks for phase in task.phases}
    return (*(name.value for name in PhaseName if name in had), *sorted(had - set(PhaseName)))


def _spans(phases: list[PhaseView], began: float, full: float, end: float) -> Iterator[Span]:
    for phase in phases:
        first = max(phase.began, began)
        last = max(first, end if phase.ended is None else phase.ended)
        width = max(LEAST, WIDTH * (last - first) / full)
        yield Span(
            name=phase.name,
            x=round(min(WIDTH * (first - began) / full, WIDTH - LEAST), 1),
            width=round(min(width, WIDTH), 1),
            seconds=last - first,
            began=phase.began,
            running=phase.ended is None,
        )


def meter(used: float, limit: float | None) -> float | None:
    """How much of a bar is filled; None without a limit."""
    return None if not limit else round(WIDTH * min(1.0, max(0.0, used / limit)), 1)
