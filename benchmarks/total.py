"""How long somebody waits for a whole build: what `koji build --scratch` asks for, until its task is closed.

With the hub's scheduler and the daemon's pauses as they are in production, most of that is waiting: for the daemon's
next poll, and before each subtask for the scheduler's next run. A client comes at any moment of the daemon's pause, so
the rounds begin spread evenly over it.
"""

import time
from collections.abc import Iterator

from benchmarks.bench import Bench, Measurement
from benchmarks.bench_testbed import BenchTestbed
from benchmarks.figures import Figure, figure
from koji_adjutant.config import load_config
from koji_adjutant.testbed.demo.report import say
from koji_adjutant.testbed.tasks import family

PACKAGE = "hello"


def build_total(bench: Bench) -> Iterator[Figure]:
    testbed, seconds = bench.testbed, []
    for _ in range(2):
        testbed.build_as_a_client(PACKAGE)
        testbed.settle()
    with testbed.polling_by_default():
        pause = load_config(testbed.layout.kojid_conf).sleeptime
        for number in range(bench.rounds):
            wait_until_idle(testbed)
            time.sleep(pause * (number + 0.5) / bench.rounds)
            began, task = testbed.build_as_a_client(PACKAGE)
            seconds.append(task.ended - began)
            tasks = tuple(family(testbed.session, task.id))
            bench.check(next(one for one in tasks if one.method == "buildArch"), PACKAGE)
            waits = ", ".join(f"{one.method} {one.waited:.1f} s" for one in tasks)
            say(f"    {seconds[-1]:.1f} s; waited: {waits}")
    yield figure("build_total", seconds, against=None)


def wait_until_idle(testbed: BenchTestbed) -> None:
    """Until just after a poll that came at its usual time: those that follow the end of a build are over."""
    testbed.wait_for_poll()
    while True:
        began = time.monotonic()
        testbed.wait_for_poll()
        if time.monotonic() - began > load_config(testbed.layout.kojid_conf).sleeptime / 2:
            return


MEASUREMENTS = (Measurement(names=("build_total",), measure=build_total),)
