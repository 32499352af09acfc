"""A package that prints 200 MB: what it takes to have its log complete on the hub, and in how much memory."""

import statistics
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench import Bench, Measurement
from benchmarks.bench_testbed import BenchFailed
from benchmarks.figures import Against, Figure, figure
from benchmarks.traffic import Traffic, traffic_of_tasks
from koji_adjutant.testbed.demo.costs import watched
from koji_adjutant.testbed.demo.report import say
from koji_adjutant.testbed.tasks import Task

PRINTED = 209_715_200
LINE = b"%0127d\n" % 0
EXPECTED = Counter({LINE: PRINTED // len(LINE), b"chatty: begin\n": 1, b"chatty: done\n": 1})


@dataclass(frozen=True, kw_only=True)
class Round:
    """One build by the daemon, and one by a bare rpmbuild."""

    task: Task
    bare: float
    memory: float
    """The highest resident memory of the task's process, in MB."""
    traffic: Traffic

    @property
    def over(self) -> float:
        return self.task.seconds - self.bare


def chatty(bench: Bench) -> Iterator[Figure]:
    bench.warm_up("hello")
    rounds = [_round(bench) for _ in range(bench.rounds)]
    bench.explain([one.task for one in rounds])
    bare = Against(what="bare rpmbuild", value=statistics.median(one.bare for one in rounds))
    yield figure("chatty_over_bare", [one.over for one in rounds], against=bare)
    recorded = Against(what="kojid, recorded earlier, not in this run", value=3269)
    yield figure("chatty_uploads", [one.traffic.uploads for one in rounds], "calls", against=recorded)
    with watched(bench.testbed.daemon) as small:
        bench.built("hello")
    quiet = Against(what="the task process of hello", value=small.task / 1024)
    yield figure("task_rss", [one.memory for one in rounds], "MB", against=quiet)


def _round(bench: Bench) -> Round:
    with bench.testbed.hub_lines() as lines, watched(bench.testbed.daemon) as seen:
        task = bench.testbed.build("chatty")
    (traffic,) = traffic_of_tasks(lines)
    bench.check(task, "chatty")
    check_log(bench.testbed.output(task) / "build.log")
    bare = bench.rebuilt("chatty")
    say(f"    chatty: {task.seconds:.2f} s, bare {bare:.2f} s, {traffic.uploads} uploads")
    return Round(task=task, bare=bare, memory=seen.task / 1024, traffic=traffic)


def check_log(path: Path, expected: Counter[bytes] = EXPECTED) -> None:
    """Every line that the package printed is in the hub's file; what the shell says of itself may be among them."""
    with path.open("rb") as log:
        counts = Counter(line for line in log if line in expected)
    if counts != expected:
        raise BenchFailed(f"{path} differs from what chatty printed: {dict(counts)}")


MEASUREMENTS = (
    Measurement(
        names=("chatty_over_bare", "chatty_uploads", "task_rss"), measure=chatty, packages=("hello", "chatty")
    ),
)
