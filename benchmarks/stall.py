"""How long a build is held up by an image that is being made meanwhile.

The image is that of the other install group, removed and asked for again in every round. Builds of hello follow each
other from its beginning to its end, and the slowest counts.
"""

import statistics
import time
from collections.abc import Iterator
from contextlib import closing

from benchmarks.bench import Bench, Measurement
from benchmarks.bench_testbed import BenchFailed, BenchTestbed
from benchmarks.figures import Against, Figure, figure
from koji_adjutant.container import labels
from koji_adjutant.container.interface import Timeouts
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.testbed.demo.report import say

OTHER_GROUP = "srpm-build"
BEGIN_SECONDS = 60.0


def stall_while_imaging(bench: Bench) -> Iterator[Figure]:
    bench.warm_up("hello")
    undisturbed, slowest = [], []
    for _ in range(bench.rounds):
        undisturbed.append(bench.built("hello").seconds)
        bench.testbed.forget_images(f"{labels.GROUP}={OTHER_GROUP}")
        bench.testbed.finish(bench.testbed.submit("hello", method="rebuildSRPM"))
        wait_for_imaging(bench.testbed)
        meanwhile = [bench.testbed.build("hello")]
        while bench.testbed.is_imaging():
            meanwhile.append(bench.testbed.build("hello"))
        bench.check(meanwhile[-1], "hello")
        slowest.append(max(task.seconds for task in meanwhile))
        say(f"    while imaging: {', '.join(f'{task.seconds:.2f}' for task in meanwhile)}")
    usual = statistics.median(undisturbed)
    against = Against(what="hello while no image is made", value=usual)
    yield figure("stall_while_imaging", [seconds - usual for seconds in slowest], against=against)


def wait_for_imaging(testbed: BenchTestbed) -> None:
    """Until the making of an image has begun."""
    deadline = time.monotonic() + BEGIN_SECONDS
    with closing(PodmanManager(testbed.engine.socket, Timeouts())) as manager:
        while not manager.find({labels.ROLE: labels.Role.IMAGE.value}):
            if time.monotonic() > deadline:
                raise BenchFailed(f"no image is being made after {BEGIN_SECONDS:.0f} s")
            time.sleep(0.05)


MEASUREMENTS = (Measurement(names=("stall_while_imaging",), measure=stall_while_imaging),)
