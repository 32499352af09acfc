"""Counted values by metric and labels: what only grows, as it is kept in a file and shown.

In memory, and in JSON. Whoever has one says which thread it is of.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from koji_adjutant.monitoring.families import BY_NAME, COUNTED, Family, Kind

Labels = tuple[str, ...]
_MOST = float(1 << 63)


class Tally:
    """Counters, histograms and summaries."""

    def __init__(self) -> None:
        self._values: dict[str, dict[Labels, list[float]]] = defaultdict(dict)

    def add(self, family: Family, amount: object = 1, *labels: str) -> None:
        """Let a counter grow; by anything but a number that is finite and above nought it does not."""
        if (value := number(amount)) > 0:
            self._cells(family, labels)[0] += value

    def begin(self, family: Family, *labels: str) -> None:
        """A counter is there from now on: rates see its first step only then."""
        self._cells(family, labels)

    def observe(self, family: Family, seconds: float, *labels: str) -> None:
        """Take a duration into a histogram."""
        cells = self._cells(family, labels)
        cells[bisect_left(family.buckets, seconds)] += 1
        cells[-1] += seconds

    def add_up(self, family: Family, count: object, seconds: object) -> None:
        """Take several durations into a summary."""
        if number(count) > 0:
            cells = self._cells(family, ())
            cells[0] += number(count)
            cells[1] += number(seconds)

    def of(self, family: Family) -> Iterator[tuple[Labels, Sequence[float]]]:
        """The values, in the order of their labels: count; count and sum; count for each bucket, and sum."""
        yield from sorted(self._values.get(family.name, {}).items())

    def _cells(self, family: Family, labels: Labels) -> list[float]:
        return self._values[family.name].setdefault(labels, [0.0] * _width(family))

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {
            name: [[list(labels), cells] for labels, cells in values.items()]
            for name, values in self._values.items()
        }

    @classmethod
    def from_json(cls, data: Any) -> "Tally":
        """What `to_json` has made; ValueError, TypeError, KeyError for anything else."""
        made = cls()
        for name, rows in data.items():
            family = BY_NAME.get(name)
            if family is None or family.kind not in COUNTED:
                # Of a version that had it, or will have.
                continue
            for labels, cells in rows:
                made._take(family, tuple(labels), cells)
        return made

    def _take(self, family: Family, labels: Labels, cells: list[float]) -> None:
        if len(labels) != len(family.labels) or not all(isinstance(one, str) for one in labels):
            raise ValueError(f"labels of {family.name}: {labels}")
        if len(cells) != _width(family) or not all(number(one) == one for one in cells):
            raise ValueError(f"values of {family.name}: {cells}")
        self._values[family.name][labels] = [float(one) for one in cells]


def number(value: object) -> float:
    """A number above nought; nought for what is none, or larger than anything that is counted."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < _MOST:
        return 0.0
    return float(value)


def _width(family: Family) -> int:
    return {Kind.SUMMARY: 2, Kind.HISTOGRAM: len(family.buckets) + 2}.get(family.kind, 1)
