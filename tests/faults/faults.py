"""The faults: each a context manager that does its harm at the beginning and mends it at the end.

NoTarget says that there is nothing now to do it to. What a fault has for itself while it lasts is its `touches`.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.faults.clock import HOUR
from tests.faults.fault_testbed import FaultTestbed, NoTarget, full
from tests.faults.hub_proxy import HubProxy, Injected
from tests.faults.packages import GREEDY
from tests.faults.processes import conmons
from tests.faults.workload import Workload

DAY = 86400.0
ANSWERS = (
    "host.closeTask",
    "host.openTask",
    "host.subtask",
    "host.taskSetWait",
    "host.newBuildRoot",
    "host.setBuildRootState",
    "host.setBuildRootList",
    "host.updateBuildRootList",
    "host.initBuild",
    "host.completeBuild",
    "host.moveBuildToScratch",
    "host.tagBuild",
    "host.repoInit",
    "host.repoDone",
    "rawUpload",
)
"""Calls that change something; in some runs the answers of each are lost."""


WHOLE_IMAGES = "localhost/koji-adjutant-buildroot"


@dataclass(frozen=True, kw_only=True)
class Scene:
    """All that a fault can reach."""

    testbed: FaultTestbed
    workload: Workload
    rng: Random


Inject = Callable[[Scene], AbstractContextManager[str]]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of fault, and how long one lasts."""

    name: str
    inject: Inject
    seconds: tuple[float, float] = (0.0, 0.0)
    touches: str = ""
    asks_hub: bool = False
    """Whether the fault is injected by a call to the hub, which has to be up then."""


# The hub


def proxied(begin: Callable[[HubProxy, Random], Injected]) -> Inject:
    @contextmanager
    def inject(scene: Scene) -> Iterator[str]:
        with begin(scene.testbed.proxy, scene.rng):
            yield ""

    return inject


@contextmanager
def answers_lost(scene: Scene) -> Iterator[str]:
    methods = tuple(scene.rng.sample(ANSWERS, 5))
    fault = scene.testbed.proxy.drop_answer(*methods, times=3)
    with fault, scene.testbed.proxy.drop_answer(every=11, times=2):
        yield f"of {', '.join(methods)}"


@contextmanager
def hub_restarted(scene: Scene) -> Iterator[str]:
    number = scene.rng.choice([signal.SIGTERM, signal.SIGKILL])
    scene.testbed.kill_hub(number)
    try:
        yield f"after {number.name}"
    finally:
        scene.testbed.start_hub()


@contextmanager
def session_aged(scene: Scene) -> Iterator[str]:
    chosen = scene.rng.choice(scene.testbed.sessions() or _nothing("the host has no session"))[0]
    older = "UPDATE sessions SET start_ts = start_ts - :age, renew_ts = renew_ts - :age WHERE id = :id"
    scene.testbed.change(older, {"age": 2 * DAY, "id": chosen})
    yield f"session {chosen}"


@contextmanager
def session_ended(scene: Scene) -> Iterator[str]:
    chosen, is_main = scene.rng.choice(scene.testbed.sessions() or _nothing("the host has no session"))
    scene.testbed.session.logout(session_id=chosen)
    yield f"session {chosen}{' of the main process' if is_main else ''}"


# The daemon


@contextmanager
def main_killed(scene: Scene) -> Iterator[str]:
    with _daemon_down(scene.testbed, signal.SIGKILL) as pid:
        yield pid


@contextmanager
def main_stopped(scene: Scene) -> Iterator[str]:
    with _daemon_down(scene.testbed, signal.SIGTERM) as pid:
        yield pid


@contextmanager
def _daemon_down(testbed: FaultTestbed, number: signal.Signals) -> Iterator[str]:
    pid = testbed.daemon().pid
    with testbed.daemon_held_down():
        os.kill(pid, number)
        yield f"pid {pid}"


@contextmanager
def main_told_to_restart(scene: Scene) -> Iterator[str]:
    pid = scene.testbed.daemon().pid
    os.kill(pid, signal.SIGUSR1)
    yield f"pid {pid}"


@contextmanager
def task_process_killed(scene: Scene) -> Iterator[str]:
    chosen = scene.rng.choice(scene.testbed.task_processes() or _nothing("no task runs"))
    if not chosen.kill():
        raise NoTarget("it was gone")
    yield f"pid {chosen.pid}"


# The engine


@contextmanager
def engine_killed(scene: Scene) -> Iterator[str]:
    pid = scene.testbed.engine_pid()
    with scene.testbed.engine_held_down():
        os.kill(pid, signal.SIGKILL)
        yield f"pid {pid}"


@contextmanager
def engine_hangs(scene: Scene) -> Iterator[str]:
    pid = scene.testbed.engine_pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        yield f"pid {pid}"
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


@contextmanager
def container_killed(scene: Scene) -> Iterator[str]:
    found = scene.testbed.podman("ps", "--quiet", "--no-trunc").split()
    chosen = scene.rng.choice(found or _nothing("no container runs"))
    scene.testbed.podman("kill", chosen)
    yield f"container {chosen[:12]}"


@contextmanager
def conmon_killed(scene: Scene) -> Iterator[str]:
    chosen = scene.rng.choice(conmons(scene.testbed.layout.engine) or _nothing("no conmon runs"))
    if not chosen.kill():
        raise NoTarget("it was gone")
    yield str(chosen)[:160]


@contextmanager
def image_removed(scene: Scene) -> Iterator[str]:
    chosen = scene.rng.choice(buildroot_images(scene) or _nothing("there is no image of a buildroot"))
    # With the containers that have been made of it.
    scene.testbed.podman("rmi", "--force", chosen)
    yield f"image {chosen[:19]}"


def buildroot_images(scene: Scene, *, whole: bool = False) -> list[str]:
    """Images that builds begin from; not only those that are being made."""
    label = "label=io.koji.adjutant.role=image"
    format_ = "{{.Repository}} {{.ID}}"
    said = scene.testbed.podman("images", "--no-trunc", "--filter", label, "--format", format_)
    found = (line.split() for line in said.splitlines())
    return [number for name, number in found if not whole or name == WHOLE_IMAGES]


# People, and the machine


@contextmanager
def build_canceled(scene: Scene) -> Iterator[str]:
    job = scene.rng.choice(list(scene.workload.under_way()) or _nothing("no task is under way"))
    if not scene.workload.cancel(job):
        raise NoTarget("it was over")
    yield str(job)


@contextmanager
def task_freed(scene: Scene) -> Iterator[str]:
    task = scene.rng.choice(scene.workload.running() or _nothing("no task is open"))
    scene.testbed.session.freeTask(task["id"])
    yield f"task {task['id']} ({task['method']})"


@contextmanager
def disk_full(scene: Scene) -> Iterator[str]:
    with full(scene.testbed.layout.builder):
        yield str(scene.testbed.layout.builder)


@contextmanager
def engine_full(scene: Scene) -> Iterator[str]:
    with full(scene.testbed.layout.engine):
        yield str(scene.testbed.layout.engine)


@contextmanager
def memory_wanted(scene: Scene) -> Iterator[str]:
    job = scene.workload.submit(GREEDY)
    yield f"by {job}"


def clock_set(seconds: int) -> Inject:
    @contextmanager
    def inject(scene: Scene) -> Iterator[str]:
        scene.testbed.clock.set(seconds)
        try:
            yield f"by {seconds:+d} s"
        finally:
            scene.testbed.clock.set(0)

    return inject


def _nothing(reason: str) -> Any:
    raise NoTarget(reason)


KINDS = (
    Kind(name="hub down", inject=proxied(lambda hub, _: hub.down()), seconds=(1, 8), touches="hub"),
    Kind(name="hub answers 500", inject=proxied(lambda hub, _: hub.status()), seconds=(1, 6), touches="hub"),
    Kind(
        name="hub talks garbage", inject=proxied(lambda hub, _: hub.garbage()), seconds=(1, 6), touches="hub"
    ),
    Kind(
        name="hub's answers are cut",
        inject=proxied(lambda hub, _: hub.garbage(truncated=True)),
        seconds=(1, 4),
        touches="hub",
    ),
    Kind(name="hub offline", inject=proxied(lambda hub, _: hub.offline()), seconds=(1, 6), touches="hub"),
    Kind(
        name="hub slow",
        inject=proxied(lambda hub, rng: hub.delay(rng.uniform(0.5, 4.0), every=2)),
        seconds=(5, 10),
        touches="hub",
    ),
    Kind(name="answers lost", inject=answers_lost, seconds=(8, 12), touches="hub"),
    Kind(name="hub restarted", inject=hub_restarted, seconds=(0.5, 2), touches="hub"),
    Kind(name="session expired", inject=session_aged),
    Kind(name="session ended", inject=session_ended, asks_hub=True),
    Kind(name="main process killed", inject=main_killed, seconds=(0, 5), touches="daemon"),
    Kind(name="main process stopped", inject=main_stopped, seconds=(0, 2), touches="daemon"),
    Kind(name="main process: SIGUSR1", inject=main_told_to_restart, touches="daemon"),
    Kind(name="task process killed", inject=task_process_killed, touches="daemon"),
    Kind(name="engine killed", inject=engine_killed, seconds=(0.5, 4), touches="engine"),
    Kind(name="engine hangs", inject=engine_hangs, seconds=(2, 8), touches="engine"),
    Kind(name="container killed", inject=container_killed, touches="engine"),
    Kind(name="conmon killed", inject=conmon_killed, touches="engine"),
    Kind(name="image removed", inject=image_removed, touches="engine"),
    Kind(name="build canceled", inject=build_canceled, asks_hub=True),
    Kind(name="task freed", inject=task_freed, asks_hub=True),
    Kind(name="disk full", inject=disk_full, seconds=(2, 6), touches="disk"),
    Kind(name="engine's storage full", inject=engine_full, seconds=(2, 5), touches="engine"),
    Kind(name="memory exhausted", inject=memory_wanted, asks_hub=True),
    Kind(name="clock an hour ahead", inject=clock_set(HOUR), seconds=(4, 15), touches="clock"),
    Kind(name="clock an hour behind", inject=clock_set(-HOUR), seconds=(4, 15), touches="clock"),
)
