"""Figures of many tasks, as geometry: what lies where on a plot. The templates draw it, as SVG and as a table."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from koji_adjutant.monitoring.pages import formats
from koji_adjutant.monitoring.views import Outcome, TaskView

WIDTH, HEIGHT = 320.0, 150.0
"""Of a plot, in its own units."""
LEFT, RIGHT, TOP, BOTTOM = 40.0, 6.0, 8.0, 20.0
"""Its margins, where the words are."""
MOST_DOTS = 400
MOST_METHODS = 6
BUCKETS = 16
_SHORTEST, _DAY = 0.5, 86400
_TICKS = (
    (1.0, "1 s"),
    (10.0, "10 s"),
    (60.0, "1 min"),
    (600.0, "10 min"),
    (3600.0, "1 h"),
    (36000.0, "10 h"),
)
_WAITS = (
    (1.0, "<1 s"),
    (5.0, "<5 s"),
    (15.0, "<15 s"),
    (60.0, "<1 min"),
    (300.0, "<5 min"),
    (math.inf, "more"),
)
ROOTS = ("hit", "deps_hit", "populated")
HITS = ("hit", "deps_hit")


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A word beside an axis."""

    at: float
    text: str


@dataclass(frozen=True, kw_only=True)
class Dot:
    """A task."""

    x: float
    y: float
    good: bool


@dataclass(frozen=True, kw_only=True)
class Box:
    """A bar, or a part of one."""

    x: float
    y: float
    width: float
    height: float
    kind: str


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A figure. `rows` are what it shows, for who reads it: the first has the headings."""

    name: str
    title: str
    text: str
    """What one sees in it, in a sentence."""
    across: tuple[Mark, ...] = ()
    """Below the plot."""
    up: tuple[Mark, ...] = ()
    """At its left."""
    dots: tuple[Dot, ...] = ()
    boxes: tuple[Box, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    keys: tuple[tuple[str, str], ...] = ()
    """What a kind of box or dot means."""


def plots(tasks: Sequence[TaskView]) -> tuple[Plot, ...]:
    """Duration, buildroots, waiting and methods of `tasks` that have ended."""
    ended = [task for task in tasks if task.ended is not None and task.opened is not None]
    if not ended:
        return ()
    return (durations(ended), roots(ended), waiting(ended), methods(ended))


def durations(tasks: Sequence[TaskView]) -> Plot:
    """A dot for each task: when it ended, and how long it took."""
    newest = sorted(tasks, key=_ended)[-MOST_DOTS:]
    first, last = _ended(newest[0]), _ended(newest[-1])
    taken = [_taken(task) for task in newest]
    top = max(*taken, 10.0)
    low, high = math.log(_SHORTEST), math.log(top * 1.3)

    def y(seconds: float) -> float:
        share = (math.log(max(seconds, _SHORTEST)) - low) / (high - low)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)

    dots = tuple(
        Dot(
            x=_across(_share(_ended(task), first, last)),
            y=y(_taken(task)),
            good=task.outcome is Outcome.CLOSED,
        )
        for task in newest
    )
    good = [_taken(task) for task in newest if task.outcome is Outcome.CLOSED]
    bad = len(newest) - len(good)
    ticks = [tick for tick in _TICKS if tick[0] <= top * 1.3]
    by_method = _by_method(newest)
    return Plot(
        name="durations",
        title="Duration",
        text=f"{formats.counted(len(newest), 'task')}, half of those that closed within "
        f"{formats.duration(median(good) if good else None)}; {bad} did not close.",
        across=_times(first, last),
        up=tuple(Mark(at=y(seconds), text=word) for seconds, word in ticks),
        dots=dots,
        rows=(
            ("Method", "Tasks", "Shortest", "Median", "Longest"),
            *(
                (name, str(len(some)), *(formats.duration(of(some)) for of in (min, median, max)))
                for name, some in ((name, [_taken(task) for task in of]) for name, of in by_method)
            ),
        ),
        keys=(("good", "closed"), ("bad", "not closed")),
    )


def roots(tasks: Sequence[TaskView]) -> Plot:
    """How buildroots came to be, over time."""
    having = sorted((task for task in tasks if task.root in ROOTS), key=_ended)
    total = Counter(task.root for task in having)
    hits = sum(total[kind] for kind in HITS)
    rate = hits / len(having) if having else None
    first, last = (_ended(having[0]), _ended(having[-1])) if having else (0.0, 0.0)
    columns: dict[int, Counter[str]] = defaultdict(Counter)
    for task in having:
        columns[min(BUCKETS - 1, int(_share(_ended(task), first, last) * BUCKETS))][task.root] += 1
    most = max((sum(column.values()) for column in columns.values()), default=1)
    return Plot(
        name="roots",
        title="Buildroots from the cache",
        text=f"{formats.percent(rate)} of {len(having)} buildroots came from the cache."
        if having
        else "No task had a buildroot.",
        across=_times(first, last) if having else (),
        up=_counts(most) if having else (),
        boxes=tuple(_stacks(columns, ROOTS, most, BUCKETS)),
        rows=(("Buildroot", "Tasks"), *((_ROOT_WORDS[kind], str(total[kind])) for kind in ROOTS)),
        keys=tuple((kind, _ROOT_WORDS[kind]) for kind in ROOTS),
    )


_ROOT_WORDS: Mapping[str, str] = {
    "hit": "whole root cached",
    "deps_hit": "root and requirements cached",
    "populated": "populated anew",
}


def waiting(tasks: Sequence[TaskView]) -> Plot:
    """How long tasks waited on the hub, from their making to their opening here."""
    waits = [wait for task in tasks if (wait := task.waited) is not None]
    columns: dict[int, Counter[str]] = defaultdict(Counter)
    for wait in waits:
        columns[next(place for place, (limit, _) in enumerate(_WAITS) if wait < limit)]["wait"] += 1
    numbers = [columns[place]["wait"] for place in range(len(_WAITS))]
    most = max(*numbers, 1)
    step = (WIDTH - LEFT - RIGHT) / len(_WAITS)
    return Plot(
        name="waiting",
        title="Waiting on the hub",
        text=f"Half of {formats.counted(len(waits), 'task')} waited less than {formats.duration(median(waits))}, "
        f"the longest {formats.duration(max(waits))}."
        if waits
        else "It is not known how long tasks waited.",
        across=tuple(
            Mark(at=round(LEFT + step * (place + 0.5), 1), text=word)
            for place, (_, word) in enumerate(_WAITS)
        ),
        up=_counts(most),
        boxes=tuple(_stacks(columns, ("wait",), most, len(_WAITS))),
        rows=(("Waited", "Tasks"), *((word, str(numbers[place])) for place, (_, word) in enumerate(_WAITS))),
    )


def methods(tasks: Sequence[TaskView]) -> Plot:
    """How many tasks there were of each method, and how many of them did not close."""
    by_method = _by_method(tasks)[:MOST_METHODS]
    most = max(len(some) for _, some in by_method)
    space = (HEIGHT - TOP) / max(len(by_method), MOST_METHODS)
    full = WIDTH - RIGHT - LEFT
    boxes: list[Box] = []
    marks: list[Mark] = []
    rows: list[tuple[str, ...]] = [("Method", "Tasks", "Not closed", "Median")]
    for place, (name, some) in enumerate(by_method):
        bad = sum(task.outcome is not Outcome.CLOSED for task in some)
        good = len(some) - bad
        top = round(TOP + space * place + space * 0.55, 1)
        height = round(space * 0.3, 1)
        width = full * len(some) / most
        split = width * good / len(some)
        boxes.append(Box(x=0.0, y=top, width=round(split, 1), height=height, kind="good"))
        boxes.append(Box(x=round(split, 1), y=top, width=round(width - split, 1), height=height, kind="bad"))
        half = formats.duration(median(_taken(task) for task in some))
        marks.append(Mark(at=round(top - 4, 1), text=f"{name[:24]}  {len(some)}, median {half}"))
        rows.append((name, str(len(some)), str(bad), half))
    bad = sum(task.outcome is not Outcome.CLOSED for task in tasks)
    return Plot(
        name="methods",
        title="By method",
        text=f"{formats.counted(len(tasks), 'task')} of {formats.counted(len(by_method), 'method')}, {bad} not closed.",
        up=tuple(marks),
        boxes=tuple(box for box in boxes if box.width),
        rows=tuple(rows),
        keys=(("good", "closed"), ("bad", "not closed")),
    )


def _stacks(
    columns: Mapping[int, Mapping[str, int]], kinds: Sequence[str], most: int, places: int
) -> Iterable[Box]:
    step = (WIDTH - LEFT - RIGHT) / places
    for place, column in sorted(columns.items()):
        floor = HEIGHT - BOTTOM
        for kind in kinds:
            if not column.get(kind):
                continue
            height = (HEIGHT - TOP - BOTTOM) * column[kind] / most
            floor -= height
            yield Box(
                x=round(LEFT + step * place + 1, 1),
                y=round(floor, 1),
                width=round(step - 2, 1),
                height=round(height, 1),
                kind=kind,
            )


def _by_method(tasks: Sequence[TaskView]) -> list[tuple[str, list[TaskView]]]:
    found: dict[str, list[TaskView]] = defaultdict(list)
    for task in tasks:
        found[task.method].append(task)
    return sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))


def _counts(most: int) -> tuple[Mark, ...]:
    return (Mark(at=TOP, text=str(most)), Mark(at=HEIGHT - BOTTOM, text="0"))


def _times(first: float, last: float) -> tuple[Mark, ...]:
    write = formats.clock if last - first < _DAY else formats.moment
    words = [write(when)[:-3] if write is formats.clock else write(when)[5:10] for when in (first, last)]
    if words[0] == words[1]:
        return (Mark(at=_across(0.5), text=words[0]),)
    return (Mark(at=_across(0.06), text=words[0]), Mark(at=_across(0.94), text=words[1]))


def _share(when: float, first: float, last: float) -> float:
    return 0.5 if last <= first else (when - first) / (last - first)


def _across(share: float) -> float:
    return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)


def _ended(task: TaskView) -> float:
    return task.ended or 0.0


def _taken(task: TaskView) -> float:
    return max(0.0, (task.ended or 0.0) - (task.opened or 0.0))
