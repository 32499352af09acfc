"""How long a task that was taken away takes to end: its process, all processes in its containers, and the containers.

Processes are looked for in /proc, by the pid namespaces of the task's containers, so that nothing that a build has
started can hide. The time is that of this machine; daemon and test share its clock.
"""

import json
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import koji

from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerInfo
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.testbed.builder import DAEMON
from koji_adjutant.testbed.engine.processes import engine_tools
from koji_adjutant.testbed.tasks import family
from tests.integration.running import Testbed
from tests.waiting import eventually

SIGN = re.compile(r"^(\S+ \S+),(\d+) .*Killing (?:canceled|reassigned) task (\d+)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Running:
    """A task under way, and its process."""

    task: int
    process: int


@dataclass(frozen=True, kw_only=True)
class Ending:
    """Seconds. The sign is the call itself where the daemon did not say that its poll was it."""

    phase: str
    sign: float
    """From the call that took the task away to the sign of it."""
    dead: float
    """From the sign to the end of the last process."""
    gone: float
    """From the sign to the end of the last container."""

    def __str__(self) -> str:
        return f"{self.phase}: sign {self.sign:.2f} s, dead {self.dead:.2f} s, containers {self.gone:.2f} s"


class Watch:
    """Looks at the tasks of one testbed."""

    def __init__(self, testbed: Testbed, manager: PodmanManager) -> None:
        self.testbed = testbed
        self.manager = manager
        self.endings: list[Ending] = []

    def child(self, parent: int, method: str = "buildArch") -> int:
        """The subtask of `method`, once it is there."""
        found: list[int] = []

        def look() -> bool:
            tasks = family(self.testbed.session, parent)
            found.extend(task.id for task in tasks if task.method == method)
            return bool(found)

        eventually(look, f"{method} below task {parent}")
        return found[0]

    def running(self, task: int, *, after: int = 0) -> Running:
        """The task, once its process has begun; another one than `after`."""
        eventually(lambda: self._process(task) not in (0, after), f"task {task} runs")
        return Running(task=task, process=self._process(task))

    def _process(self, task: int) -> int:
        try:
            return int(
                json.loads((self.testbed.layout.state_dir / "tasks" / f"{task}.json").read_text())["pid"]
            )
        except FileNotFoundError:
            return 0

    def containers(self, *tasks: int) -> list[ContainerInfo]:
        return [container for task in tasks for container in self.manager.find({labels.TASK: str(task)})]

    def wait_for_role(self, task: int, role: labels.Role) -> ContainerInfo:
        """A running container of that role."""
        found: list[ContainerInfo] = []

        def look() -> bool:
            found.extend(
                container
                for container in self.containers(task)
                if container.labels.get(labels.ROLE) == role and container.state == "running"
            )
            return bool(found)

        eventually(look, f"a {role} container of task {task}")
        return found[0]

    def end(self, phase: str, cancel: Callable[[], object], *tasks: Running) -> Ending:
        """Take tasks away, and wait until nothing of them is left."""
        numbers = [task.task for task in tasks]
        worlds = self._worlds(numbers)
        cancel()
        called = time.time()
        dead = self._wait_dead(tasks, worlds)
        eventually(lambda: not self.containers(*numbers), "containers are gone")
        gone = time.time()
        eventually(lambda: not any(map(self._has_workdir, numbers)), "work directories are gone")
        sign = max([called, *self._signs(numbers)])
        # What died before the poll had another sign: a refused upload.
        sign = sign if sign < dead else called
        ending = Ending(phase=phase, sign=sign - called, dead=dead - sign, gone=gone - sign)
        self.endings.append(ending)
        return ending

    def _has_workdir(self, task: int) -> bool:
        return (self.testbed.layout.builder / "work" / koji.pathinfo.taskrelpath(task)).exists()

    def _worlds(self, tasks: list[int]) -> set[str]:
        """Pid namespaces of the containers that run."""
        return self.worlds(found for found in self.containers(*tasks) if found.state == "running")

    def worlds(self, containers: Iterable[ContainerInfo]) -> set[str]:
        """The pid namespaces of those that run."""
        return {world for found in containers if (world := self.world(found))}

    def world(self, container: ContainerInfo) -> str:
        """The pid namespace of a container; empty when it has ended."""
        # Not asked of the engine: on a busy machine it answers when a short life is over.
        monitors = {process.pid for process in engine_tools(container.id)}
        inside = (namespace(pid) for pid in processes() if parent(pid) in monitors)
        return next((world for world in inside if world not in ("", namespace(os.getpid()))), "")

    def _wait_dead(self, tasks: tuple[Running, ...], worlds: set[str]) -> float:
        numbers = [task.task for task in tasks]
        while True:
            self._wait_for_none(tasks, worlds)
            dead = time.time()
            # Those that were made meanwhile.
            late = self._worlds(numbers)
            if not any(inhabited(late)):
                return dead
            worlds |= late

    def _wait_for_none(self, tasks: tuple[Running, ...], worlds: set[str]) -> None:
        processes = [task.process for task in tasks]
        eventually(
            lambda: not any(map(is_alive, processes)) and not any(inhabited(worlds)), "all processes are dead"
        )

    def _signs(self, tasks: list[int]) -> Iterator[float]:
        log = (self.testbed.layout.logs / f"{DAEMON}.stderr").read_text(errors="replace")
        for day, milliseconds, task in SIGN.findall(log):
            if int(task) in tasks:
                yield datetime.fromisoformat(day).timestamp() + int(milliseconds) / 1000


@contextmanager
def watching(testbed: Testbed) -> Iterator[Watch]:
    with closing(PodmanManager(testbed.engine.socket, testbed.config.container_timeouts)) as manager:
        yield Watch(testbed, manager)


def is_alive(pid: int) -> bool:
    """Whether a process runs, and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def namespace(pid: int) -> str:
    """The pid namespace of a process; empty when it is gone, or is none of our business."""
    try:
        return str(Path(f"/proc/{pid}/ns/pid").readlink())
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""


def inhabited(worlds: set[str]) -> Iterator[int]:
    """Processes in any of these namespaces that live."""
    if not worlds:
        return
    yield from (pid for pid in processes() if namespace(pid) in worlds and is_alive(pid))


def processes() -> Iterator[int]:
    """All there are."""
    return (int(directory.name) for directory in Path("/proc").glob("[0-9]*"))


def name(pid: int) -> str:
    """Of the program that it runs; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def parent(pid: int) -> int:
    """The process that it is a child of; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0
