"""What it costs a build that somebody looks: warm builds of hello, with and without a hundred requests a second.

In pairs, one with and one without, in turn the one first and the other, so that a machine that becomes slower for a
minute makes both slower. The figure is the median of the differences within the pairs. Its limit is their own spread:
the distance between their quartiles, which is what two builds of a pair differ by anyway.
"""

import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench import Bench, Measurement
from benchmarks.bench_testbed import BenchFailed
from benchmarks.figures import Against, Figure, figure
from benchmarks.status_load import Answers
from koji_adjutant.testbed.demo.report import say

PAIRS = 15
START_SECONDS = 60.0
END_SECONDS = 40.0
_LISTENING = re.compile(r"Listening at http://127\.0\.0\.1:([0-9]+)")
_PEAK = re.compile(r"VmHWM:\s+([0-9]+) kB")


@dataclass(frozen=True, kw_only=True)
class StatusServer:
    """A server of the testbed's state directory, beside that of the daemon, if it has one."""

    process: subprocess.Popen[bytes]
    port: int

    def peak(self) -> float:
        """MB that it had in memory at most."""
        found = _PEAK.search(Path(f"/proc/{self.process.pid}/status").read_text())
        if not found:
            raise BenchFailed("the status server has ended")
        return (int(found[1]) << 10) / 1e6


@contextmanager
def status_server(bench: Bench) -> Iterator[StatusServer]:
    """It runs as an operator's does."""
    directory = bench.storage.directory / "status"
    directory.mkdir()
    log = directory / "log"
    state_dir = bench.testbed.config.state_dir
    argv = ["-m", "koji_adjutant.monitoring", f"--state-dir={state_dir}", f"--own-dir={directory}"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *argv, "--bind=127.0.0.1:0"], stdout=output, stderr=output
        )
    try:
        yield StatusServer(process=process, port=_port(process, log))
    finally:
        process.terminate()
        process.wait(END_SECONDS)


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    deadline = time.monotonic() + START_SECONDS
    while not (found := _LISTENING.search(log.read_text())):
        if process.poll() is not None or time.monotonic() > deadline:
            raise BenchFailed(f"the status server does not listen: {log.read_text()}")
        time.sleep(0.05)
    return int(found[1])


@contextmanager
def asked(server: StatusServer) -> Iterator[list[Answers]]:
    """Somebody asks, and follows, for as long as this lasts; at its end there is what was answered."""
    argv = [sys.executable, "-m", "benchmarks.status_load", str(server.port)]
    found: list[Answers] = []
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as load:
        assert load.stdout is not None
        load.stdout.readline()
        try:
            yield found
        finally:
            load.terminate()
        found.append(Answers(**json.loads(load.stdout.read())))


def status_cost(bench: Bench) -> Iterator[Figure]:
    bench.warm_up("hello")
    quiet, busy, answers = [], [], []
    with status_server(bench) as server:
        for number in range(PAIRS):
            for is_busy in (number % 2 == 0, number % 2 != 0):
                if is_busy:
                    with asked(server) as found:
                        busy.append(bench.built("hello").seconds)
                    answers += found
                else:
                    quiet.append(bench.built("hello").seconds)
            say(f"    pair {number + 1}: {quiet[-1]:.2f} s, {busy[-1]:.2f} s while somebody asks")
        peak = server.peak()
    yield from _judged(quiet, busy)
    yield figure("status_requests", [one.answers / one.seconds for one in answers], "1/s", against=None)
    yield figure("status_slowest", [one.slowest for one in answers], against=None)
    yield figure("status_rss", [peak], "MB", against=None)
    if failed := sum(one.failures for one in answers):
        raise BenchFailed(f"{failed} answers of the status server were no good")


def _judged(quiet: Sequence[float], busy: Sequence[float]) -> Iterator[Figure]:
    differences = [with_load - without for with_load, without in zip(busy, quiet, strict=True)]
    first, _, third = statistics.quantiles(differences, n=4)
    against = Against(what="hello while nobody asks", value=statistics.median(quiet))
    yield figure("status_cost", differences, against=against, limit=third - first)


MEASUREMENTS = (
    Measurement(
        names=("status_cost", "status_requests", "status_slowest", "status_rss"), measure=status_cost
    ),
)
