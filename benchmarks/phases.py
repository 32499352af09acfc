"""Where the time of a task went, by the daemon's journal: medians over several tasks of one kind."""

import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from koji_adjutant.journal.file import Event
from koji_adjutant.journal.phases import Phase

NUMBERED = frozenset({Phase.CONTAINER_CREATED, Phase.CONTAINER_REMOVED, Phase.RPMBUILD_STARTED})
"""Reached more than once by a task: told apart by what they are about, and by their number."""


def offsets(events: Iterable[Event], task: int) -> dict[str, float]:
    """Seconds from a task's first event to each of its phases."""
    mine = sorted((event for event in events if event.task == task), key=lambda event: event.time)
    found: dict[str, float] = {}
    for event in mine:
        name = event.name
        if event.name in NUMBERED:
            about = event.details.get("role") or event.details.get("command") or ""
            name = f"{event.name} {about}".strip()
            number = sum(key.startswith(name) for key in found)
            name = f"{name} #{number + 1}" if number else name
        found.setdefault(name, (event.time - mine[0].time).total_seconds())
    return found


def breakdown(events: Sequence[Event], tasks: Sequence[int]) -> Iterator[str]:
    """A line a phase: when it was reached, and what had passed since the one before."""
    seen: defaultdict[str, list[float]] = defaultdict(list)
    for task in tasks:
        for name, seconds in offsets(events, task).items():
            seen[name].append(seconds)
    medians = sorted((statistics.median(values), name) for name, values in seen.items())
    before = 0.0
    for at, name in medians:
        yield f"    {at:7.3f}  +{at - before:.3f}  {name}"
        before = at
