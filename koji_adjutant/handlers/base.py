"""The base of our task handlers: Koji's own, plus the services that a forked task works with.

`services` is set by the daemon before it forks. A handler lives as long as its task process; its work
directory is made before and removed after `handler()` by the library.
"""

import logging
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from xmlrpc.client import Fault

import koji
from koji.tasks import BaseTaskHandler

from koji_adjutant.config import Config
from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerManager
from koji_adjutant.container.podman.processes import kill_processes
from koji_adjutant.errors import TaskFault
from koji_adjutant.guards.interruptions import interruptions
from koji_adjutant.guards.usage import TaskUsage
from koji_adjutant.hub.session import HubSession
from koji_adjutant.journal.phases import Journal
from koji_adjutant.journal.shown_task import UNSHOWN, Shown
from koji_adjutant.logs.excerpt import LastWords
from koji_adjutant.task_adapters.base import TaskContext


@dataclass(frozen=True, kw_only=True)
class Services:
    """What cli wires together once, before the first fork."""

    config: Config
    manager: ContainerManager
    journal: Journal
    worker: str
    poke: Callable[[], None] = lambda: None
    """Tells the daemon's main process, from any process, to look at the hub and its own files at once."""
    poke_for_subtasks: Callable[[], None] = lambda: None
    """Tells the main process that subtasks were made: to look at the hub at once, and again soon after."""
    shown: Shown = UNSHOWN
    """What operators see of the task, in its own process."""
    usage: TaskUsage = field(default_factory=TaskUsage)
    """In a task process: what its containers use."""
    last_words: LastWords = field(default_factory=LastWords)
    """In a task process: what its logs say of its failure."""


def bind_handler(handler: type[BaseTaskHandler], services: Services | None) -> type[BaseTaskHandler]:
    """A handler of koji-adjutant, of Koji's library or of a plugin, with all that koji-adjutant's have."""
    bases = (handler,) if issubclass(handler, TaskHandler) else (TaskHandler, handler)
    return type(handler.__name__, bases, {"services": services, "__module__": handler.__module__})


FAULTS: Mapping[int, type[koji.GenericError]] = {
    cls.faultCode: cls for cls in (koji.GenericError, koji.BuildError, koji.BuildrootError)
}


class TaskHandler(BaseTaskHandler):
    """A handler of koji-adjutant; `self.session` is the task's own subsession, `self.options` the Config."""

    services: Services
    id: int
    session: HubSession
    options: Config
    workdir: str
    method: str
    params: tuple[Any, ...]
    opts: dict[str, Any]
    logger: logging.Logger

    def run(self) -> Any:
        """Run the handler; a TaskFault leaves as the exception that Koji knows by its fault code."""
        try:
            with interruptions(self.services.config, self.id):
                return super().run()
        except TaskFault as fault:
            raise FAULTS[fault.fault_code](str(fault)) from fault

    def poke(self) -> None:
        """Have the main process poll at once."""
        self.services.poke()

    def wait(
        self,
        subtasks: int | list[int] | None = None,
        all: bool = False,  # noqa: A002
        failany: bool = False,
        canfail: list[int] | None = None,
        timeout: float | None = None,
    ) -> dict[int, Any]:
        """The results of subtasks: of the first that ends, or of `all`.

        With `failany` the first failure cancels the others and is raised; tasks of `canfail` may fail. The
        library's own loses a wake-up that comes between its question and its sleep. Here SIGUSR2 is blocked
        all along (koji_adjutant.daemon forks task processes so) and only ever taken out.
        """
        waiting_for = [subtasks] if isinstance(subtasks, int) else subtasks
        host = self.session.host
        host.taskSetWait(self.id, waiting_for)
        self.services.poke_for_subtasks()
        deadline = None if timeout is None else time.monotonic() + timeout
        checked = set(canfail or ())
        while True:
            finished, unfinished = host.taskWait(self.id)
            if waiting_for is not None:
                # The hub names each that has finished once only, and that answer may have been lost.
                finished = [task for task in waiting_for if task not in unfinished]
            if not unfinished or (finished and not all):
                break
            if failany:
                self._cancel_all_if_one_failed(set(finished) - checked)
                checked.update(finished)
            self._sleep(deadline)
        return dict(host.taskWaitResults(self.id, waiting_for if all else finished or None, canfail=canfail))

    def _cancel_all_if_one_failed(self, finished: set[int]) -> None:
        hub = cast("Any", self.session)
        for task in sorted(finished):
            try:
                hub.getTaskResult(task)
            except (koji.GenericError, Fault):
                hub.cancelTaskChildren(self.id)
                raise

    def _sleep(self, deadline: float | None) -> None:
        if deadline is None:
            signal.sigwaitinfo({signal.SIGUSR2})
            return
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            cast("Any", self.session).cancelTaskChildren(self.id)
            raise koji.GenericError("Subtasks did not end in time")
        signal.sigtimedwait({signal.SIGUSR2}, remaining)

    def wait_for_hub(self) -> None:
        """Return when the hub answers."""
        cast("Any", self.session).getAPIVersion()

    def kill_containers(self) -> None:
        """End what this task runs, and let it begin nothing more: the hub does not want it."""
        manager = self.services.manager
        manager.stop_starting()
        found = manager.find({labels.WORKER: self.services.worker, labels.TASK: str(self.id)})
        ids = {container.id for container in found}
        for container in ids - kill_processes(ids):
            manager.kill(container)

    def context(self, parameters: Mapping[str, Any]) -> TaskContext:
        """The context of this task for its adapter."""
        return TaskContext(
            task_id=self.id,
            parameters=parameters,
            session=self.session,
            workdir=Path(self.workdir),
            config=self.services.config,
            worker=self.services.worker,
            journal=self.services.journal,
            usage=self.services.usage,
            last_words=self.services.last_words,
        )
