"""Metrics as their readers take them, and the host of a sample that has them."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse_plain

from koji_adjutant.monitoring.counters import Counters
from koji_adjutant.monitoring.metrics import OPENMETRICS, Exposition, MetricsCollector
from koji_adjutant.monitoring.registry import Registry

Values = dict[tuple[str, frozenset[tuple[str, str]]], float]


@contextmanager
def exposition_of(
    state_dir: Path, own_dir: Path, *, clock: Callable[[], float] = time.monotonic
) -> Iterator[Exposition]:
    """What a server of that directory would answer right after its start."""
    own_dir.mkdir(exist_ok=True)
    registry, counters = Registry(state_dir), Counters(state_dir, own_dir)
    try:
        registry.refresh()
        counters.refresh()
        yield Exposition(MetricsCollector(registry, counters), clock=clock)
    finally:
        registry.close()
        counters.close()


def text_of(state_dir: Path, own_dir: Path, accept: str = "") -> str:
    with exposition_of(state_dir, own_dir) as exposition:
        return exposition.answer(accept)[0].decode()


def values_of(text: str, *, is_open: bool = False) -> Values:
    """By name and labels."""
    # The parsers have no types.
    families = cast("Any", parse_open if is_open else parse_plain)(text)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def value(values: Values, name: str, **labels: str) -> float:
    """One of them; KeyError when it is not there."""
    return values[f"koji_adjutant_{name}", frozenset(labels.items())]


__all__ = ["OPENMETRICS", "exposition_of", "text_of", "value", "values_of"]
