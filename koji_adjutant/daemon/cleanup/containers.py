"""Removing leftovers, containers that nobody owns any more: after a task, after a crash, and now and then.

Labels say whose a container is. All of it runs in helper processes: an engine may take its time, the main process may
not. Containers are killed first, all of them, and removed then. A container whose creation was under way when its task
process was killed appears late, so a second look follows the first.
"""

import logging
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.buildroot.images.keys import LOCK_NAMES
from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerInfo, ContainerManager
from koji_adjutant.container.podman.conmon import SETTLE_SECONDS, end_conmons_of
from koji_adjutant.container.podman.processes import kill_processes
from koji_adjutant.daemon.cleanup.bound_containers import is_bound, is_over
from koji_adjutant.errors import AdjutantError, EngineDamaged, EngineError
from koji_adjutant.journal.phases import Journal, Phase

ATTEMPTS = 100

logger = logging.getLogger("koji.adjutant.daemon.cleanup")


@dataclass(frozen=True, kw_only=True)
class SweepIntervals:
    """Seconds between two looks at what may be about to go, or to come, by itself."""

    second_look: float = 0.5
    making: float = 10.0
    """A container that is unfinished for so long is not being made any more: an engine takes milliseconds."""
    settle: float = SETTLE_SECONDS
    """Processes of a container that the engine has not: its own clean-up takes its time."""


@dataclass(frozen=True, kw_only=True)
class Sweeper:
    """Removes containers of one worker."""

    manager: ContainerManager
    journal: Journal
    worker: str
    intervals: SweepIntervals = SweepIntervals()
    sleep: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.time
    """The time of day, by which an engine says when a container was made."""

    def sweep_task(self, task: int, workdir: str) -> None:
        """Remove what a task whose process is dead has left: its containers and its work directory."""
        self._sweep_twice(lambda found: found.labels.get(labels.TASK) == str(task))
        remove_workdir(workdir)

    def sweep_worker(self, running: frozenset[int] = frozenset()) -> None:
        """Remove all containers of this worker, when none of its helpers lives; but not those of tasks in `running`.

        A container that is bound to a process goes when that has ended.
        """
        now = self.clock()
        tasks = {str(task) for task in running}

        def is_leftover(found: ContainerInfo) -> bool:
            if is_bound(found.labels):
                return is_over(found.labels, found.created, now)
            return found.labels.get(labels.TASK) not in tasks

        self._sweep_twice(is_leftover)

    def sweep_leftovers(self, living: Callable[[], frozenset[int]], *, images: bool) -> None:
        """Remove containers of tasks that do not run, and those that are bound to a process that has ended.

        `living` is asked after the engine has shown what there is: a task says that it runs before it makes its first
        container, so one that begins meanwhile keeps its own, whatever any clock says. `images`: nothing makes or
        prepares images until this ends, so their containers are leftovers too.
        """
        found, now = self._found(), self.clock()
        tasks = {str(task) for task in living()}

        def is_leftover(found: ContainerInfo) -> bool:
            if is_bound(found.labels):
                return is_over(found.labels, found.created, now)
            task = found.labels.get(labels.TASK)
            return images if task is None else task not in tasks

        self._remove_all([one for one in found if is_leftover(one)])

    def sweep_unfinished(self) -> None:
        """Remove what the engine was making when it died: containers that no label tells of, but their names.

        A container that is being made now looks the same, for a moment. The name by which workers agree who makes an
        image belongs to none of them, and nobody could make that image any more.
        """
        begun = {one.id for one in self._unfinished()}
        if not begun:
            return
        self.sleep(self.intervals.making)
        for one in self._unfinished():
            if one.id in begun:
                logger.warning("container %s (%s) was never finished and is removed", one.id[:12], one.name)
                self._remove(one)

    def _unfinished(self) -> tuple[ContainerInfo, ...]:
        names = (labels.names_of(self.worker), LOCK_NAMES)
        return tuple(one for one in self.manager.find_unfinished() if one.name.startswith(names))

    def _sweep_twice(self, is_wanted: Callable[[ContainerInfo], bool]) -> None:
        try:
            self._sweep(is_wanted)
        except EngineError as error:
            # An engine trips over containers that are being removed by another request.
            logger.info("looking again: %s", error)
        self.sleep(self.intervals.second_look)
        self._sweep(is_wanted)

    def _sweep(self, is_leftover: Callable[[ContainerInfo], bool]) -> None:
        self._remove_all([one for one in self._found() if is_leftover(one)])

    def _found(self) -> tuple[ContainerInfo, ...]:
        return self.manager.find({labels.WORKER: self.worker})

    def _remove_all(self, found: Sequence[ContainerInfo]) -> None:
        killed = kill_processes({one.id for one in found})
        for one in found:
            if one.id in killed:
                continue
            try:
                self.manager.kill(one.id)
            except (EngineError, EngineDamaged) as error:
                # podman 5 cannot say how one is whose layer is gone; it removes it all the same.
                logger.info("container %s: %s", one.id[:12], error)
        failures = [failure for one in found if (failure := self._remove(one))]
        if failures:
            raise failures[0]

    def _remove(self, container: ContainerInfo) -> AdjutantError | None:
        task = container.labels.get(labels.TASK)
        try:
            self._remove_with_conmons(container.id)
        except AdjutantError as error:
            logger.warning("container %s of task %s: %s", container.id[:12], task, error)
            return error
        role = container.labels.get(labels.ROLE, "")
        self.journal.record(
            Phase.SWEPT,
            task=int(task) if task and task.isdigit() else None,
            container=container.id,
            role=role,
        )
        return None

    def _remove_with_conmons(self, container: str) -> None:
        try:
            self.manager.remove(container)
        except EngineError as error:
            if not end_conmons_of(container):
                raise
            logger.warning("container %s: its conmon was ended: %s", container[:12], error)
            self.manager.remove(container)


def make_workdir(workdir: str) -> None:
    """Make the work directory of a task, empty. The directory above goes when another task leaves it empty."""
    remove_workdir(workdir)
    for attempt in range(ATTEMPTS):
        try:
            Path(workdir).mkdir(parents=True)
        except (FileNotFoundError, FileExistsError):
            # Removed between the two steps, or between "it exists" and the look whether it is a directory.
            if attempt == ATTEMPTS - 1:
                raise
        else:
            return


def remove_workdir(workdir: str) -> None:
    """Remove the work directory of a task, and the one above, `tasks/<last digits>`, with the last that is in it."""
    path = Path(workdir)
    if path.is_dir():
        shutil.rmtree(path, onerror=_complain)
        with suppress(OSError):
            path.parent.rmdir()


def _complain(_function: object, path: str, error: tuple[type[BaseException], BaseException, object]) -> None:
    logger.warning("%s is left behind: %s", path, error[1])
