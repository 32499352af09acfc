"""What was measured, what it is allowed to be, and how it is printed and written down.

A figure is the median of its runs, in one unit, beside what a user would have without us. Pure, but for `write`.
"""

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LIMITS: Mapping[str, float] = {
    "warm_hello": 1.1,
    "warm_needsdeps": 1.5,
    "warm_long_ratio": 1.05,
    "chatty_over_bare": 4.0,
    "chatty_uploads": 400,
    "cold_hello": 4.5,
    "cold_needsdeps": 6.5,
    "build_total": 8.0,
    "warm_srpm_from_scm": 2.0,
    "build_scm_total": 9.0,
    "stall_while_imaging": 1.0,
    "new_repo_extra": 1.0,
    "task_rss": 80.0,
    "status_rss": 60.0,
}
"""The limits of the figures that are promised. Two, new_repo_changed_extra and status_cost, have theirs from what is
measured beside them."""


@dataclass(frozen=True, kw_only=True)
class Against:
    """What the figure is compared with; `what` says so when it was not measured in this run."""

    what: str
    value: float


@dataclass(frozen=True, kw_only=True)
class Figure:
    """The median of `samples`."""

    name: str
    unit: str
    samples: tuple[float, ...]
    limit: float | None = None
    against: Against | None = None

    @property
    def value(self) -> float:
        return statistics.median(self.samples)

    @property
    def is_broken(self) -> bool:
        """Whether a promise is not kept."""
        return self.limit is not None and self.value > self.limit


def figure(
    name: str,
    samples: Sequence[float],
    unit: str = "s",
    *,
    against: Against | None,
    limit: float | None = None,
) -> Figure:
    """A figure, with the limit that LIMITS has for it unless one is given."""
    allowed = LIMITS.get(name) if limit is None else limit
    return Figure(name=name, unit=unit, samples=tuple(samples), limit=allowed, against=against)


def table(figures: Sequence[Figure]) -> Iterator[str]:
    """A line a figure."""
    yield f"{'':<26} {'median':>10}       {'limit':>8}  {'spread':<15} {'runs':>4}  against"
    for one in figures:
        limit = "" if one.limit is None else _number(one.limit)
        spread = f"{_number(min(one.samples))} to {_number(max(one.samples))}"
        beside = f"{_number(one.against.value)}  {one.against.what}" if one.against else ""
        verdict = "  OVER" if one.is_broken else ""
        yield (
            f"{one.name:<26} {_number(one.value):>10} {one.unit:<5} {limit:>8}  {spread:<15} {len(one.samples):>4}  "
            f"{beside}{verdict}"
        )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 or value == int(value) else f"{value:.3g}"  # noqa: PLR2004


def as_json(figures: Sequence[Figure], where: str) -> dict[str, Any]:
    """By name: value, unit, how many runs, limit, and what it is compared with; and on which storage."""
    return {
        one.name: {
            "value": round(one.value, 4),
            "unit": one.unit,
            "runs": len(one.samples),
            "limit": one.limit,
            "against": {"what": one.against.what, "value": round(one.against.value, 4)}
            if one.against
            else None,
            "samples": [round(sample, 4) for sample in one.samples],
            "storage": where,
        }
        for one in figures
    }


def write(path: Path, figures: Sequence[Figure], where: str) -> None:
    path.write_text(json.dumps(as_json(figures, where), indent=2) + "\n")
