"""Removing what nobody owns any more, by label: after a task, after a crash, and now and then.

All of it runs in helper processes: an engine may take its time, the main process may not. Containers are killed
first, all of them, and removed then. A container whose creation was under way when its task process was killed
appears late, so a second look follows the first.
"""

import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerInfo, ContainerManager
from koji_adjutant.daemon.shells import is_over, is_shell
from koji_adjutant.errors import AdjutantError, EngineError
from koji_adjutant.journal import Journal, Phase

SECOND_LOOK_SECONDS = 0.5

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

    def sweep_worker(self) -> None:
        """Everything of this worker, when none of its processes lives; shells are not processes of ours."""
        now = time.time()
        self._sweep_twice(
            lambda found: not is_shell(found.labels) or is_over(found.labels, found.created, now)
        )

    def sweep_strays(self, running: frozenset[int], before: float, *, images: bool) -> None:
        """Containers older than `before` of tasks that do not run, and shells that are over.

        `images`: nothing makes or prepares images now, so containers of that are strays too.
        """
        tasks = {str(task) for task in running}

        def is_stray(found: ContainerInfo) -> bool:
            if found.created >= before:
                return False
            if is_shell(found.labels):
                return is_over(found.labels, found.created, before)
            task = found.labels.get(labels.TASK)
            return images if task is None else task not in tasks

        self._sweep(is_stray)

    def _sweep_twice(self, is_wanted: Callable[[ContainerInfo], bool]) -> None:
        try:
            self._sweep(is_wanted)
        except EngineError as error:
            # An engine trips over containers that are being removed by another request.
            logger.info("looking again: %s", error)
        time.sleep(SECOND_LOOK_SECONDS)
        self._sweep(is_wanted)

    def _sweep(self, is_stray: Callable[[ContainerInfo], bool]) -> None:
        found = [one for one in self.manager.find({labels.WORKER: self.worker}) if is_stray(one)]
        for one in found:
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
            self.manager.remove(container.id)
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


def remove_workdir(workdir: str) -> None:
    """Remove the work directory of a task whose process could not."""
    path = Path(workdir)
    if path.is_dir():
        shutil.rmtree(path, onerror=_complain)


def _complain(_function: object, path: str, error: tuple[type[BaseException], BaseException, object]) -> None:
    logger.warning("%s is left behind: %s", path, error[1])
