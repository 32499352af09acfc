"""Removing what nobody owns any more, by label: after a task, after a crash, and now and then.

All of it runs in helper processes: an engine may take its time, the main process may not. Containers are killed
first, all of them, and removed then. A container whose creation was under way when its task process was killed
appears late, so a second look follows the first.
"""

import logging
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.buildroot.images import LOCK_NAMES
from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerInfo, ContainerManager
from koji_adjutant.container_processes import kill_processes
from koji_adjutant.daemon.monitors import end_monitors_of
from koji_adjutant.daemon.shells import is_over, is_shell
from koji_adjutant.errors import AdjutantError, EngineError
from koji_adjutant.journal import Journal, Phase

SECOND_LOOK_SECONDS = 0.5
MAKING_SECONDS = 10.0
"""What is half made for so long has nobody who makes it: an engine takes milliseconds."""

logger = logging.getLogger("koji.adjutant.sweep")


@dataclass(frozen=True, kw_only=True)
class Sweeper:
    """Removes containers of one worker."""

    manager: ContainerManager
    journal: Journal
    worker: str

    def sweep_task(self, task: int, workdir: str) -> None:
        """What a task whose process is dead has left: containers and its work directory."""
        self._sweep_twice(lambda found: found.labels.get(labels.TASK) == str(task))
        remove_workdir(workdir)

    def sweep_worker(self, running: frozenset[int] = frozenset()) -> None:
        """Everything of this worker but that of tasks that run, when none of its helpers lives; no shells."""
        now = time.time()
        tasks = {str(task) for task in running}

        def is_stray(found: ContainerInfo) -> bool:
            if is_shell(found.labels):
                return is_over(found.labels, found.created, now)
            return found.labels.get(labels.TASK) not in tasks

        self._sweep_twice(is_stray)

    def sweep_strays(self, living: Callable[[], frozenset[int]], *, images: bool) -> None:
        """Containers of tasks that do not run, and those whose process is over.

        `living` is asked after the engine has shown what there is: a task says that it runs before it makes its first
        container, so one that begins meanwhile keeps its own, whatever any clock says. `images`: nothing makes or
        prepares images until this ends, so containers of that are strays too.
        """
        found, now = self._found(), time.time()
        tasks = {str(task) for task in living()}

        def is_stray(found: ContainerInfo) -> bool:
            if is_shell(found.labels):
                return is_over(found.labels, found.created, now)
            task = found.labels.get(labels.TASK)
            return images if task is None else task not in tasks

        self._remove_all([one for one in found if is_stray(one)])

    def sweep_half_made(self) -> None:
        """What the engine was making when it died: a container that no label tells of, but its name.

        One that is being made now looks the same, for a moment. The name by which workers agree who makes an image
        belongs to none of them, and nobody could make that image any more.
        """
        begun = {one.id for one in self._half_made()}
        if not begun:
            return
        time.sleep(MAKING_SECONDS)
        for one in self._half_made():
            if one.id in begun:
                logger.warning("container %s (%s) was never finished and is removed", one.id[:12], one.name)
                self._remove(one)

    def _half_made(self) -> tuple[ContainerInfo, ...]:
        names = (labels.names_of(self.worker), LOCK_NAMES)
        return tuple(one for one in self.manager.find_half_made() if one.name.startswith(names))

    def _sweep_twice(self, is_wanted: Callable[[ContainerInfo], bool]) -> None:
        try:
            self._sweep(is_wanted)
        except EngineError as error:
            # An engine trips over containers that are being removed by another request.
            logger.info("looking again: %s", error)
        time.sleep(SECOND_LOOK_SECONDS)
        self._sweep(is_wanted)

    def _sweep(self, is_stray: Callable[[ContainerInfo], bool]) -> None:
        self._remove_all([one for one in self._found() if is_stray(one)])

    def _found(self) -> tuple[ContainerInfo, ...]:
        return self.manager.find({labels.WORKER: self.worker})

    def _remove_all(self, found: Sequence[ContainerInfo]) -> None:
        killed = kill_processes({one.id for one in found})
        for one in found:
            if one.id in killed:
                continue
            try:
                self.manager.kill(one.id)
            except EngineError as error:
                logger.info("container %s: %s", one.id[:12], error)
        failures = [failure for one in found if (failure := self._remove(one))]
        if failures:
            raise failures[0]

    def _remove(self, container: ContainerInfo) -> AdjutantError | None:
        task = container.labels.get(labels.TASK)
        try:
            self._remove_with_monitors(container.id)
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

    def _remove_with_monitors(self, container: str) -> None:
        try:
            self.manager.remove(container)
        except EngineError as error:
            if not end_monitors_of(container):
                raise
            logger.warning("container %s: its monitor was ended: %s", container[:12], error)
            self.manager.remove(container)


def remove_workdir(workdir: str) -> None:
    """Remove the work directory of a task whose process could not."""
    path = Path(workdir)
    if path.is_dir():
        shutil.rmtree(path, onerror=_complain)


def _complain(_function: object, path: str, error: tuple[type[BaseException], BaseException, object]) -> None:
    logger.warning("%s is left behind: %s", path, error[1])
