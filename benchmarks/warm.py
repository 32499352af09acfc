"""Builds whose buildroot is there already, and what they cost the hub, the engine and the disk."""

import itertools
import statistics
from collections.abc import Iterator

from benchmarks.bench import Bench, Measurement
from benchmarks.figures import Against, Figure, figure
from benchmarks.mock import Spread
from benchmarks.traffic import traffic_of_tasks
from koji_adjutant.journal.phases import Phase
from koji_adjutant.testbed.demo.report import say
from koji_adjutant.testbed.tasks import Task

LATENCY = 0.005
BARE = "bare rpmbuild --rebuild in a populated chroot"


def warm(package: str, bench: Bench) -> Iterator[Figure]:
    """Seconds from open to closed, of a build whose image is there, and its cost."""
    bench.warm_up(package)
    mock, bare = Spread(bench.mock, package), []
    tasks: list[Task] = []
    written: list[float] = []
    before = bench.storage.bytes_written()
    with bench.testbed.hub_lines() as lines:
        for _ in range(bench.rounds):
            tasks.append(bench.testbed.build(package))
            after = bench.storage.bytes_written()
            if before is not None and after is not None:
                written.append((after - before) / 1e6)
            bench.check(tasks[-1], package)
            bare.append(bench.rebuilt(package))
            mock.take()
            before = bench.storage.bytes_written()
    yield figure(f"warm_{package}", [task.seconds for task in tasks], against=mock.against())
    yield figure(f"bare_{package}", bare, against=None)
    cost = traffic_of_tasks(lines)
    yield figure(f"hub_calls_{package}", [one.calls for one in cost], "calls", against=None)
    yield figure(f"uploads_{package}", [one.uploads for one in cost], "calls", against=None)
    yield figure(f"uploaded_{package}", [one.uploaded / 1e3 for one in cost], "kB", against=None)
    containers = [_containers(bench, task) for task in tasks]
    yield figure(f"containers_{package}", containers, "", against=None)
    if written:
        yield figure(f"written_{package}", written, "MB", against=None)
    bench.explain(tasks)


def _containers(bench: Bench, task: Task) -> int:
    events = bench.testbed.journal()
    return sum(event.task == task.id and event.name == Phase.CONTAINER_CREATED for event in events)


def warm_hello(bench: Bench) -> Iterator[Figure]:
    yield from warm("hello", bench)


def far_hub(bench: Bench) -> Iterator[Figure]:
    """Warm builds of hello with a hub that is far away: LATENCY seconds for each request."""
    bench.warm_up("hello")
    near = [bench.built("hello").seconds for _ in range(bench.rounds)]
    bench.testbed.restart_hub(LATENCY)
    try:
        tasks = [bench.built("hello") for _ in range(bench.rounds)]
    finally:
        bench.testbed.restart_hub(0.0)
    against = Against(what="warm_hello, measured beside", value=statistics.median(near))
    yield figure("warm_hello_5ms", [task.seconds for task in tasks], against=against)
    bench.explain(tasks)


def warm_needsdeps(bench: Bench) -> Iterator[Figure]:
    yield from warm("needsdeps", bench)


def warm_long(bench: Bench) -> Iterator[Figure]:
    """How much longer a real build takes; the image of its BuildRequires is made beside the first of them.

    Each is compared with the mean of the two beside it: over minutes, the machine itself becomes faster and slower.
    """
    bench.warm_up("hello")
    tasks, bare = [], [bench.rebuilt("long")]
    with bench.testbed.polling_by_default():
        for _ in range(bench.rounds):
            tasks.append(bench.built("long"))
            bare.append(bench.rebuilt("long"))
            say(
                f"    long: {tasks[-1].seconds:.2f} s, bare {bare[-2]:.2f} s before and {bare[-1]:.2f} s after"
            )
    beside = [(before + after) / 2 for before, after in itertools.pairwise(bare)]
    ratios = [task.seconds / alone for task, alone in zip(tasks, beside, strict=True)]
    bench.explain(tasks)
    against = Against(what=f"{BARE}, seconds", value=statistics.median(bare))
    yield figure("warm_long_ratio", ratios, "times", against=against)
    yield figure("warm_long", [task.seconds for task in tasks], against=bench.mock.build("long"))


MEASUREMENTS = (
    Measurement(names=("warm_hello", "bare_hello"), measure=warm_hello),
    Measurement(names=("warm_hello_5ms",), measure=far_hub),
    Measurement(names=("warm_needsdeps", "bare_needsdeps"), measure=warm_needsdeps, packages=("needsdeps",)),
)
LONG = (Measurement(names=("warm_long_ratio", "warm_long"), measure=warm_long, packages=("long",)),)
