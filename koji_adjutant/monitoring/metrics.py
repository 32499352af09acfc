"""/metrics: what Prometheus is told, from the registry and the counters, as text or as OpenMetrics.

An answer is kept for a second, for whoever asks in a hurry. Besides, nothing is kept but which series of tasks were
shown, so that one that falls to nought is there to be seen. Of one thread.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol, cast

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from koji_adjutant.monitoring import families, label_values
from koji_adjutant.monitoring.counters import Counters
from koji_adjutant.monitoring.families import FAMILIES, Family, Kind
from koji_adjutant.monitoring.label_values import bounded, one_of_few
from koji_adjutant.monitoring.views import CacheView, ContainerView, HostView, TaskView

OPENMETRICS = "application/openmetrics-text"
KEPT_SECONDS = 1.0
Answer = tuple[bytes, str]
"""A text and its content type."""
Rows = Iterable[tuple[tuple[str, ...], float]]


class Shown(Protocol):
    """What there is to show; the registry."""

    def host(self) -> HostView:
        """The host."""

    def running(self) -> Iterable[TaskView]:
        """The tasks that run."""

    def containers(self) -> Iterable[ContainerView]:
        """The containers."""

    def cache(self) -> CacheView:
        """The buildroot images."""


class MetricsCollector(Collector):
    """Makes the metrics, all of them and no others, in the order of their table."""

    def __init__(self, shown: Shown, counters: Counters) -> None:
        self._shown = shown
        self._counters = counters
        self._tasks_shown: set[tuple[str, ...]] = set()

    def collect(self) -> Iterator[Metric]:
        """Each metric with its values."""
        host = self._shown.host()
        gauges = {**self._of_host(host), **self._of_disks(host), **self._of_engine()}
        for family in FAMILIES:
            if family.kind in {Kind.GAUGE, Kind.INFO}:
                yield _gauge(family, gauges[family])
            else:
                yield _counted(family, self._counters.tally.of(family))

    def _of_host(self, host: HostView) -> dict[Family, Rows]:
        info = (one_of_few(host.version), one_of_few(host.hub), one_of_few(" ".join(host.arches)))
        reason = bounded(host.obstacle, label_values.REASONS, label_values.UNKNOWN)
        return {
            families.INFO: [(info, 1)],
            families.READY: [((), int(host.ready))],
            families.NOT_READY: [] if host.ready else [((reason,), 1)],
            families.LAST_POLL: [] if host.last_poll is None else [((), host.last_poll)],
            families.TASKS: self._tasks(),
            families.LOG_LAG: [((), self._counters.lag())],
            families.PLUGINS_FAILED: [((), len(host.plugins_failed))],
            families.CREDENTIAL_EXPIRY: _least(
                (bounded(one.kind, label_values.KINDS_OF_CREDENTIALS), one.expires)
                for one in host.credentials
            ),
        }

    def _of_disks(self, host: HostView) -> dict[Family, Rows]:
        cache = self._shown.cache()
        areas = [(bounded(one.area, label_values.AREAS), one) for one in host.disks]
        limits = [(area, one.limit_bytes) for area, one in areas]
        return {
            families.DISK_FREE: _least((area, one.free_bytes) for area, one in areas),
            families.DISK_LIMIT: _least([*limits, (label_values.IMAGES, cache.limit_bytes)]),
            families.IMAGES: [((), len(cache.images))],
            families.IMAGE_BYTES: [((), cache.bytes)],
        }

    def _of_engine(self) -> dict[Family, Rows]:
        found = Counter(
            (
                bounded(one.role, label_values.KINDS_OF_CONTAINERS),
                bounded(one.state, label_values.STATES, label_values.UNKNOWN),
            )
            for one in self._shown.containers()
            if one.removed is None
        )
        return {families.CONTAINERS: sorted(found.items())}

    def _tasks(self) -> Rows:
        found: Counter[tuple[str, ...]] = Counter(
            (self._counters.method(one.method), bounded(one.phase, label_values.PHASES))
            for one in self._shown.running()
        )
        self._tasks_shown |= found.keys()
        return [(labels, found[labels]) for labels in sorted(self._tasks_shown)]


class Exposition:
    """Answers of a collector."""

    def __init__(self, collector: Collector, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._plain, self._open = CollectorRegistry(), CollectorRegistry()
        self._plain.register(collector)
        self._open.register(_OpenCollector(collector))
        self._clock = clock
        self._kept: dict[bool, tuple[float, Answer]] = {}

    def answer(self, accept: str) -> Answer:
        """For who accepts that: OpenMetrics for who asks for it, else the text that everybody understands."""
        is_open = OPENMETRICS in accept
        now = self._clock()
        kept = self._kept.get(is_open)
        if kept is None or now - kept[0] >= KEPT_SECONDS:
            kept = self._kept[is_open] = now, self._made(is_open=is_open)
        return kept[1]

    def _made(self, *, is_open: bool) -> Answer:
        if is_open:
            # It has no types.
            return cast("Any", openmetrics).generate_latest(self._open), openmetrics.CONTENT_TYPE_LATEST
        return generate_latest(self._plain), CONTENT_TYPE_PLAIN_0_0_4


class _OpenCollector(Collector):
    """For OpenMetrics, where a counter's name is without `_total` and may be no other metric's: one of no type then."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    def collect(self) -> Iterator[Metric]:
        names = {family.full_name for family in FAMILIES}
        for metric in self._collector.collect():
            if metric.type == "counter" and metric.name in names:
                untyped = Metric(f"{metric.name}_total", metric.documentation, "unknown")
                untyped.samples = metric.samples
                yield untyped
            else:
                yield metric


def _gauge(family: Family, rows: Rows) -> Metric:
    if family.kind is Kind.INFO:
        info = InfoMetricFamily(family.full_name.removesuffix("_info"), family.help, labels=())
        for labels, _ in rows:
            info.add_metric((), dict(zip(family.labels, labels, strict=True)))
        return info
    gauge = GaugeMetricFamily(family.full_name, family.help, labels=family.labels)
    for labels, value in rows:
        gauge.add_metric(labels, value)
    return gauge


def _counted(family: Family, rows: Iterable[tuple[tuple[str, ...], Sequence[float]]]) -> Metric:
    if family.kind is Kind.HISTOGRAM:
        return _histogram(family, rows)
    if family.kind is Kind.SUMMARY:
        summary = SummaryMetricFamily(family.full_name, family.help, labels=family.labels)
        for labels, (count, total) in rows:
            # The library's type says int; a count that was read from JSON is one.
            summary.add_metric(labels, int(count), total)
        return summary
    counter = CounterMetricFamily(family.full_name, family.help, labels=family.labels)
    for labels, (value,) in rows:
        counter.add_metric(labels, value)
    return counter


def _histogram(family: Family, rows: Iterable[tuple[tuple[str, ...], Sequence[float]]]) -> Metric:
    made = HistogramMetricFamily(family.full_name, family.help, labels=family.labels)
    for labels, (*counts, total) in rows:
        bounds = [*map(str, family.buckets), "+Inf"]
        below = [sum(counts[: place + 1]) for place in range(len(counts))]
        made.add_metric(labels, list(zip(bounds, below, strict=True)), total)
    return made


def _least(found: Iterable[tuple[str, float | None]]) -> Rows:
    """One value of each kind: where there are several, the one to worry about."""
    least: dict[str, float] = {}
    for name, value in found:
        if value is not None:
            least[name] = min(value, least.get(name, value))
    return [((name,), value) for name, value in sorted(least.items())]
