"""How long others wait for the engine while an image is written, and how long that takes: committed, and in layers.

The image is that of the install group, made anew in every round by either writer, in a process of low priority as the
daemon's own is; the daemon rests meanwhile. Another client makes a container, runs a command in it and removes it,
again and again: the longest time that this took while the writer wrote counts, less what it takes otherwise.
"""

import multiprocessing
import os
import statistics
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.bench import Bench, Measurement
from benchmarks.bench_testbed import BenchFailed, BenchTestbed
from benchmarks.committed import CommitWriter
from benchmarks.figures import Against, Figure, figure
from koji_adjutant.buildroot.images.layered.writer import LayeredWriter
from koji_adjutant.buildroot.images.maker import ImageMaker
from koji_adjutant.buildroot.images.requests import ImageRequest, pending_requests, requests_directory
from koji_adjutant.buildroot.images.writer import ImageWriter, PopulatedRoot
from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerSpec, ImageInfo, Timeouts
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.container.programs import NullSink
from koji_adjutant.daemon.cleanup.housekeeping import IMAGE_NICENESS
from koji_adjutant.journal.phases import NullJournal
from koji_adjutant.testbed.demo.report import say

GROUP = "build"
WORKER = "bench"
UNDISTURBED = 20
MAKING_SECONDS = 300.0
WriterKind = type[CommitWriter] | type[LayeredWriter]


@dataclass(frozen=True, kw_only=True)
class Written:
    """One image: seconds that the writer took, and the longest wait of another client meanwhile."""

    seconds: float
    wait: float


@dataclass(frozen=True, kw_only=True)
class _TimedWriter:
    """A writer that tells when it began and when it had written; time.monotonic is the same in all processes."""

    writer: ImageWriter
    told: Connection

    def write(self, root: PopulatedRoot) -> ImageInfo:
        began = time.monotonic()
        image = self.writer.write(root)
        self.told.send((began, time.monotonic()))
        return image


def image_writers(bench: Bench) -> Iterator[Figure]:
    request = requested(bench)
    committed: list[Written] = []
    layered: list[Written] = []
    with bench.testbed.without_daemon():
        usual = statistics.median(Client(bench.testbed).waits(UNDISTURBED))
        for _ in range(bench.rounds):
            committed.append(written(bench.testbed, request, CommitWriter))
            layered.append(written(bench.testbed, request, LayeredWriter))
    against = Against(what="in layers", value=statistics.median(one.wait - usual for one in layered))
    yield figure("commit_stall", [one.wait - usual for one in committed], against=against)
    against = Against(what="in layers", value=statistics.median(one.seconds for one in layered))
    yield figure("commit_seconds", [one.seconds for one in committed], against=against)


def requested(bench: Bench) -> ImageRequest:
    """What a task asks for that misses the image of its install group."""
    bench.warm_up("hello")
    bench.testbed.forget_images(f"{labels.GROUP}={GROUP}")
    task = bench.testbed.submit("hello")
    deadline = time.monotonic() + MAKING_SECONDS
    # It stays until the task has ended, and the image is made.
    while not (requests := list(map(ImageRequest.load, pending_requests(bench.testbed.config)))):
        if time.monotonic() > deadline:
            raise BenchFailed(f"task {task} asks for no image")
        time.sleep(0.05)
    bench.testbed.finish(task)
    bench.testbed.settle()
    (request,) = requests
    if request is None or request.kind != "base":
        raise BenchFailed(f"task {task} asks for another image than that of its install group")
    return request


def written(testbed: BenchTestbed, request: ImageRequest, kind: WriterKind) -> Written:
    """Have the image made, in a process of its own, while another client goes on."""
    testbed.forget_images(f"{labels.GROUP}={GROUP}")
    request.save(requests_directory(testbed.config))
    fork = multiprocessing.get_context("fork")
    told, tell = fork.Pipe(duplex=False)
    path = requests_directory(testbed.config) / f"{request.key}.json"
    child = fork.Process(target=_make, args=(testbed, path, kind, tell))
    child.start()
    client, spans = Client(testbed), []
    while child.is_alive():
        spans.append(client.span())
    child.join()
    if child.exitcode or not told.poll():
        raise BenchFailed(f"no image was made by {kind.__name__}")
    began, ended = told.recv()
    meanwhile = [end - start for start, end in spans if start < ended and end > began]
    done = Written(seconds=ended - began, wait=max(meanwhile))
    say(f"    {kind.__name__}: written in {done.seconds:.2f} s, others wait {done.wait:.2f} s at the most")
    return done


def _make(testbed: BenchTestbed, path: Path, kind: WriterKind, tell: Connection) -> None:
    os.nice(IMAGE_NICENESS)
    manager = PodmanManager(testbed.engine.socket, Timeouts())
    writer = kind(manager=manager, pause=lambda seconds: time.sleep(seconds / 10))
    maker = ImageMaker(
        manager=manager,
        config=testbed.config,
        worker=WORKER,
        journal=NullJournal(),
        writer=_TimedWriter(writer=writer, told=tell),
        storage=testbed.engine.layout.storage,
    )
    maker.make(path)


@dataclass(frozen=True)
class Client:
    """Another client of the engine."""

    testbed: BenchTestbed

    def waits(self, number: int) -> list[float]:
        """Seconds that it takes, so many times."""
        return [end - start for start, end in (self.span() for _ in range(number))]

    def span(self) -> tuple[float, float]:
        """When it began to make a container, and when that had run a command and was gone again."""
        spec = ContainerSpec(
            image=self.testbed.config.task_image_default,
            command=("/bin/sleep", "infinity"),
            labels={labels.WORKER: WORKER},
            environment={"PATH": "/usr/bin:/bin"},
        )
        began = time.monotonic()
        with (
            closing(PodmanManager(self.testbed.engine.socket, Timeouts())) as manager,
            manager.created(spec) as container,
        ):
            manager.start(container)
            manager.exec(container, ("/bin/true",), NullSink())
        return began, time.monotonic()


MEASUREMENTS = (Measurement(names=("commit_stall", "commit_seconds"), measure=image_writers),)
