"""Builds of a host that has nothing yet: no image, no metadata, no package, no solution. Engine and daemon run."""

from collections.abc import Iterator

from benchmarks.bench import Bench, Measurement
from benchmarks.figures import Figure, figure
from benchmarks.mock import Spread
from koji_adjutant.testbed.tasks import Task


def cold(package: str, bench: Bench) -> Iterator[Figure]:
    mock = Spread(bench.mock, package)
    tasks = [_round(package, bench, mock) for _ in range(bench.rounds)]
    yield figure(f"cold_{package}", [task.seconds for task in tasks], against=mock.against())
    bench.explain(tasks)


def _round(package: str, bench: Bench, mock: Spread) -> Task:
    bench.testbed.forget()
    task = bench.built(package)
    mock.take()
    return task


def cold_hello(bench: Bench) -> Iterator[Figure]:
    yield from cold("hello", bench)


def cold_needsdeps(bench: Bench) -> Iterator[Figure]:
    yield from cold("needsdeps", bench)


MEASUREMENTS = (
    Measurement(names=("cold_hello",), measure=cold_hello),
    Measurement(names=("cold_needsdeps",), measure=cold_needsdeps, packages=("needsdeps",)),
)
