"""The task processes of a main process, and what becomes of each: collected, stopped, adopted, their tasks given back.

A task process that has ended is collected before the hub is asked, so that what the hub shows as open and we do not
run is really nobody's. What the hub shows decides over those that run: one whose task was canceled, freed or given to
another host is stopped, unless the hub freed it only because it had not heard from this host.
"""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from signal import SIGTERM, SIGUSR2
from typing import Any, cast

import koji

from koji_adjutant.container.podman.processes import kill_processes
from koji_adjutant.daemon.tasks import adoption
from koji_adjutant.daemon.tasks.processes import Child, stop_all
from koji_adjutant.daemon.tasks.state import StateDirectory
from koji_adjutant.daemon.tasks.task_process import TaskProcess
from koji_adjutant.hub.claim import HubContact, take_back
from koji_adjutant.hub.session import HubSession
from koji_adjutant.journal.phases import GivenBack, Journal, Phase
from koji_adjutant.journal.state import UnreadableState

ASSIGNED = koji.TASK_STATES["ASSIGNED"]
FREE = koji.TASK_STATES["FREE"]
CANCELED = koji.TASK_STATES["CANCELED"]

logger = logging.getLogger("koji.TaskManager")


class RunningTasks:
    """The task processes of one main process, for as long as it lives."""

    def __init__(
        self,
        *,
        session: HubSession,
        journal: Journal,
        state: StateDirectory,
        contact: HubContact,
        host_id: int,
        workdir: Path,
        clean_up: Callable[[int], None],
    ) -> None:
        """`workdir` is where work directories are. `clean_up` removes what a task has left whose process is dead."""
        self.processes: dict[int, TaskProcess] = {}
        self._session = session
        self._journal = journal
        self._state = state
        self._contact = contact
        self._host_id = host_id
        self._workdir = workdir
        self._clean_up = clean_up

    def children(self) -> dict[int, Child]:
        """The processes, by task."""
        return {task: process.child for task, process in self.processes.items()}

    def pidfds(self) -> tuple[int, ...]:
        """What becomes readable when one of them ends."""
        return tuple(process.child.pidfd for process in self.processes.values())

    def deadlines(self) -> list[float]:
        """When (monotonic) one of them has to be looked at."""
        return [at for process in self.processes.values() if (at := process.deadline) is not None]

    # Their ends

    def collect(self) -> Iterator[tuple[int, int | None]]:
        """Collect those that have ended: task and exit status of each. Kill those that should have."""
        now = time.monotonic()
        for task, process in list(self.processes.items()):
            if process.is_to_be_killed(now):
                self.processes[task] = replace(process, killed_at=now)
                process.child.kill()
                self._kill_containers(task)
            if not process.child.has_ended():
                continue
            del self.processes[task]
            status = process.child.reap()
            logger.info("Task %s (pid %s) exited with status %s", task, process.child.pid, status)
            # The caller's books come first: what follows may meet with a hub that is away.
            yield task, status
            if self._state.knows(task):
                self._clean_up_after(process)
            else:
                self._state.end(task)
                if process.is_adopted:
                    self._log_out(process)

    def stop(self, task: int, why: str) -> None:
        """Have a task process end, soon."""
        process = self.processes[task]
        process.child.signal(SIGTERM)
        self.processes[task] = process.due_to_stop(time.monotonic(), why)
        self._kill_containers(task)

    def stop_all(self, grace: float) -> None:
        """End all of them, at once."""
        stop_all([process.child for process in self.processes.values()], grace)
        self.processes.clear()

    def _kill_containers(self, task: int) -> None:
        # At once: the task process asks an engine that may be busy, and then it is about to unwind.
        if state := self._state.find(task):
            kill_processes(state.containers)

    def _clean_up_after(self, process: TaskProcess) -> None:
        if process.kill_at is not None:
            self._journal.record(Phase.CANCELED, task=process.task, why=process.stopped_for)
        self._clean_up(process.task)
        self._log_out(process)

    def _log_out(self, process: TaskProcess) -> None:
        if process.session_id is None:
            return
        try:
            self._session.logoutChild(process.session_id)
        except koji.GenericError as error:
            logger.info("Session of task %s: %s", process.task, error)

    # What the hub says of them

    def compare(self, open_tasks: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
        """Give back what the hub shows as open here and does not run; stop what runs and is not open here any more.

        Those that were freed for a silence only, and are open again, are returned by their ids.
        """
        for task in open_tasks:
            if task.get("alert") and task["id"] in self.processes:
                logger.info("Waking up task %s", task["id"])
                self.processes[task["id"]].child.signal(SIGUSR2)
        self._free([task["id"] for task in open_tasks if task["id"] not in self.processes])
        are_open = {task["id"] for task in open_tasks}
        lingering = [
            task
            for task, process in self.processes.items()
            if task not in are_open and process.kill_at is None and not process.child.has_ended()
        ]
        return self._stop_lost(lingering) if lingering else {}

    def _free(self, stale: list[int]) -> None:
        if not stale:
            return
        logger.info("freeing stale tasks: %r", stale)
        self._session.host.freeTasks(stale)
        for task in stale:
            self._journal.record(
                Phase.FREED, task=task, reason=GivenBack.LOST, why="no process of it runs here"
            )

    def _stop_lost(self, lingering: list[int]) -> dict[int, dict[str, Any]]:
        """Stop those that are not ours any more; those that are again are returned."""
        back = {}
        # Mostly tasks that are about to exit. Others were canceled, freed, or given to another host.
        for task, info in zip(lingering, self._session.getTaskInfo(cast("Any", lingering)), strict=True):
            if info["state"] == CANCELED:
                logger.info("Killing canceled task %s", task)
                self.stop(task, "canceled on the hub")
            elif self._is_back(task):
                logger.info("Task %s goes on", task)
                back[task] = {"id": task, "waiting": bool(info["waiting"]), "weight": info["weight"]}
            elif info["host_id"] != self._host_id or info["state"] in (FREE, ASSIGNED):
                logger.info("Killing reassigned task %s", task)
                self.stop(task, "freed or given to another host on the hub")
            else:
                logger.debug("Lingering task %s", task)
        return back

    def _is_back(self, task: int) -> bool:
        # The process may have freed it itself.
        state = self._state.find(task)
        if state is None or state.has_reported:
            return False
        began = self.processes[task].began
        if not take_back(self._session, task, self._host_id, self._contact, began):
            return False
        self.processes[task].child.signal(SIGUSR2)
        return True

    # Those of an earlier main process

    def adopt(self) -> None:
        """Go on with task processes that run and are not ours yet; end those whose files are not understood."""
        for state in self._state.all():
            if isinstance(state, UnreadableState):
                its_own = self._workdir / koji.pathinfo.taskrelpath(state.task)
                adoption.end_unreadable(self._state, state, str(its_own))
            elif state.task not in self.processes and (process := adoption.adopt(state)):
                self._journal.record(Phase.ADOPTED, task=state.task, method=state.method)
                self.processes[state.task] = process

    def give_sessions(self) -> None:
        """Give a subsession to each that has none, or has lost its own."""
        adoption.give_sessions(self._state, self._session, self.processes)
