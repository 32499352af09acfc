"""The main process: what it knows, and what it does with what the hub says.

Koji's TaskManager takes tasks and keeps its books; everything that it knows of mock is replaced. A task process
that has ended is collected at the start of each pass, before the hub is asked, so that what the hub shows as open
and we do not run is really nobody's. For the same reason those that an earlier main process has left are adopted
before: a task goes on over the death of the main process, and is never free while its process lives.
"""

import functools
import gc
import logging
import time
from enum import Enum, auto
from pathlib import Path
from signal import SIGTERM, SIGUSR2
from typing import Any, cast

import koji
from koji.daemon import TaskManager
from koji.tasks import BaseTaskHandler, ServerRestart

from koji_adjutant import notify
from koji_adjutant.config import Config
from koji_adjutant.container_processes import kill_processes
from koji_adjutant.daemon import adoption
from koji_adjutant.daemon.engine_trial import EngineTrial
from koji_adjutant.daemon.engine_watch import EngineWatch
from koji_adjutant.daemon.housekeeping import Housekeeping
from koji_adjutant.daemon.poll import Poll, Report, poll
from koji_adjutant.daemon.processes import Child, fork, signals_held_back, stop_all
from koji_adjutant.daemon.readiness import Situation, reason_not_ready, storage_to_measure
from koji_adjutant.daemon.state import StateDirectory, Stranger
from koji_adjutant.daemon.task_process import ENGINE_FAILED, STOP_GRACE, TaskProcess, run_in_child
from koji_adjutant.daemon.task_run import TaskRun
from koji_adjutant.daemon.wakeup import WakeUp
from koji_adjutant.handlers.base import Services, TaskHandler
from koji_adjutant.hub import HubSession
from koji_adjutant.hub_claim import HubContact, since_boot, take_back
from koji_adjutant.journal import Phase

ASSIGNED = koji.TASK_STATES["ASSIGNED"]
FREE = koji.TASK_STATES["FREE"]
CANCELED = koji.TASK_STATES["CANCELED"]
EXPIRED = koji.BR_STATES["EXPIRED"]
FIRST_SWEEP_SECONDS = 3.0
ENGINE_INTERVAL = 5.0
LEAVE_SECONDS = 12.0
LAST_CALL_SECONDS = 4.0
"""A service manager waits for 30 seconds altogether."""

logger = logging.getLogger("koji.TaskManager")


class Next(Enum):
    """When to make the next pass."""

    WAIT = auto()
    """After a sleep."""
    AT_ONCE = auto()
    AFTER_TAKE = auto()
    """At once: there may be more to take."""


class Daemon(TaskManager):
    """The task manager of this host."""

    session: HubSession
    options: Config
    tasks: dict[int, dict[str, Any]]
    handlers: dict[str, type[BaseTaskHandler]]
    hostdata: dict[str, Any]
    host_id: int
    restart_pending: bool
    reload_pending: bool
    pids: dict[int, int]

    def __init__(
        self, config: Config, session: HubSession, services: Services, state: StateDirectory, wakeup: WakeUp
    ) -> None:
        super().__init__(cast("Any", config), session)
        self.services = services
        self.state = state
        self.wakeup = wakeup
        self.reload_pending = False
        self.processes: dict[int, TaskProcess] = {}
        self.hostdata = session.host.getHost()
        self.engine = EngineWatch(
            services.manager,
            self._leave_main,
            max(ENGINE_INTERVAL, config.sleeptime),
            EngineTrial(config=config, worker=services.worker),
        )
        self.housekeeping = Housekeeping(services, state, self._leave_main)
        self.contact = HubContact(state.path, config.sleeptime)
        self._status = ""
        self._storage = storage_to_measure(None, config)

    # Handlers

    def registerHandler(self, entry: Any) -> None:  # noqa: N802
        """Register a handler of ours, of Koji's library or of a plugin, with all that ours have."""
        if isinstance(entry, type) and issubclass(entry, BaseTaskHandler):
            bases = (entry,) if issubclass(entry, TaskHandler) else (TaskHandler, entry)
            bound = type(entry.__name__, bases, {"services": self.services, "__module__": entry.__module__})
            super().registerHandler(cast("Any", bound))

    # One pass

    def one_pass(self, *, with_buildroots: bool) -> Next:
        """Look at everything once, take at most one task, and say when to look again."""
        self.collect()
        self.adopt()
        self.housekeeping.work(self._running(), self._storage)
        ready = self.readyForTask()
        report = Report(
            task_load=self.load(), ready=ready, methods=tuple(self.handlers), maxjobs=self.options.maxjobs
        )
        prewarming = self.housekeeping.cache.prewarming
        tags = prewarming.tags_to_ask()
        seen = poll(self.session, self.host_id, report, with_buildroots=with_buildroots, tags=tags)
        self.hostdata = seen.host()
        self.contact.seen()
        self.update_tasks(seen.open_tasks())
        adoption.give_sessions(self.state, self.session, self.processes)
        seen.check_report()
        self.expire_buildroots(seen)
        prewarming.take_repos(seen.repos())
        is_ready_now = self.readyForTask()
        if not ready:
            # What the hub just said may have changed that.
            return Next.AT_ONCE if is_ready_now else Next.WAIT
        taken = is_ready_now and any(self.take(task) for task in seen.assigned_tasks())
        return Next.AFTER_TAKE if taken else Next.WAIT

    def load(self) -> float:
        """Sum of the weights of the tasks that do not wait for others."""
        return float(sum(task["weight"] for task in self.tasks.values() if not task["waiting"]))

    def readyForTask(self) -> bool:  # noqa: N802
        """Whether a task can be taken; ServerRestart when a restart is due and nothing runs."""
        if self.restart_pending and not self.tasks and not self.processes:
            raise ServerRestart
        engine = self.engine.answer()
        self._storage = storage_to_measure(engine.storage, self.options)
        situation = Situation(
            host=self.hostdata,
            task_load=self.load(),
            tasks=len(self.tasks),
            is_restarting=self.restart_pending,
            storage=self._storage,
            engine_problem=engine.problem,
            sweep_problem=self.housekeeping.problem(),
        )
        before, self._status = self._status, reason_not_ready(situation, self.options)
        if self._status and _without_numbers(self._status) != _without_numbers(before):
            logger.warning("Not ready for task: %s", self._status)
        elif before and not self._status:
            logger.info("Ready for task")
        return not self._status

    def wait(self) -> None:
        """Sleep until it is time for the next pass."""
        deadlines = [process.kill_at for process in self.processes.values() if process.kill_at is not None]
        seconds = min(
            [self.options.sleeptime, notify.patience(), *(at - time.monotonic() for at in deadlines)]
        )
        children = (process.child.pidfd for process in self.processes.values())
        self.wakeup.wait(seconds, (*children, *self.housekeeping.pidfds()))

    # Tasks that run

    def collect(self) -> None:
        """Collect task processes that have ended; kill those that should have."""
        now = time.monotonic()
        for task, process in list(self.processes.items()):
            if process.kill_at is not None and now >= process.kill_at:
                process.child.kill()
                self._kill_containers(task)
            if not process.child.has_ended():
                continue
            status = process.child.reap()
            logger.info("Task %s (pid %s) exited with status %s", task, process.child.pid, status)
            del self.processes[task]
            self.tasks.pop(task, None)
            self.pids.pop(task, None)
            if status == ENGINE_FAILED:
                self.engine.doubt()
            if self.state.knows(task):
                self._clean_up_after(process)
            else:
                self.state.end(task)
                if process.is_adopted:
                    self._log_out(process)

    def update_tasks(self, open_tasks: list[dict[str, Any]]) -> None:
        """Compare the hub's open tasks of this host with our processes."""
        self.tasks = {task["id"]: task for task in open_tasks if task["id"] in self.processes}
        stale = [task["id"] for task in open_tasks if task["id"] not in self.processes]
        for task in self.tasks.values():
            if task.get("alert"):
                logger.info("Waking up task %s", task["id"])
                self.processes[task["id"]].child.signal(SIGUSR2)
        if stale:
            logger.info("freeing stale tasks: %r", stale)
            self.session.host.freeTasks(stale)
            for task_id in stale:
                self.services.journal.record(Phase.FREED, task=task_id)
        lingering = [
            task
            for task, process in self.processes.items()
            if task not in self.tasks and process.kill_at is None and not process.child.has_ended()
        ]
        if lingering:
            self._stop_lost(lingering)

    def _stop_lost(self, lingering: list[int]) -> None:
        # Mostly tasks that are about to exit. Others were canceled, freed, or given to another host.
        for task, info in zip(lingering, self.session.getTaskInfo(cast("Any", lingering)), strict=True):
            if info["state"] == CANCELED:
                logger.info("Killing canceled task %s", task)
                self.stop(task)
            elif self._is_back(task, info):
                logger.info("Task %s goes on", task)
            elif info["host_id"] != self.host_id or info["state"] in (FREE, ASSIGNED):
                logger.info("Killing reassigned task %s", task)
                self.stop(task)
            else:
                logger.debug("Lingering task %s", task)

    def _is_back(self, task: int, info: dict[str, Any]) -> bool:
        # The process may have freed it itself.
        state = self.state.find(task)
        if state is None or state.has_reported:
            return False
        began = self.processes[task].began
        if not take_back(self.session, task, int(self.host_id), self.contact, began):
            return False
        self.tasks[task] = {"id": task, "waiting": bool(info["waiting"]), "weight": info["weight"]}
        self.processes[task].child.signal(SIGUSR2)
        return True

    def stop(self, task: int) -> None:
        """Have a task process end, soon."""
        process = self.processes[task]
        process.child.signal(SIGTERM)
        self.processes[task] = process.due_to_stop(time.monotonic())
        self._kill_containers(task)

    def _kill_containers(self, task: int) -> None:
        # At once: the task process asks an engine that may be busy, and then it is about to unwind.
        if state := self.state.find(task):
            kill_processes(state.containers)

    def _clean_up_after(self, process: TaskProcess) -> None:
        if process.kill_at is not None:
            self.services.journal.record(Phase.CANCELED, task=process.task)
        self.housekeeping.clean_up(process.task)
        self._log_out(process)

    def _log_out(self, process: TaskProcess) -> None:
        if process.session_id is None:
            return
        try:
            self.session.logoutChild(process.session_id)
        except koji.GenericError as error:
            logger.info("Session of task %s: %s", process.task, error)

    def expire_buildroots(self, seen: Poll) -> None:
        """Expire buildroot records that no running task of ours stands behind."""
        try:
            records = seen.buildroots()
        except koji.GenericError as error:
            logger.warning("Buildroots are not known: %s", error)
            return
        for record in records:
            if record["task_id"] not in self.tasks:
                logger.info("Expiring buildroot %(id)s of %(tag_name)s for task %(task_id)s", record)
                self.session.host.setBuildRootState(record["id"], EXPIRED)

    # Task processes of an earlier main process

    def adopt(self) -> None:
        """Go on with task processes that run and are not ours yet; end those whose files are not understood."""
        for state in self.state.all():
            if isinstance(state, Stranger):
                workdir = Path(self.options.workdir, koji.pathinfo.taskrelpath(state.task))
                adoption.end_stranger(self.state, state, str(workdir))
            elif state.task not in self.processes and (process := adoption.adopt(state)):
                self.services.journal.record(Phase.ADOPTED, task=state.task, method=state.method)
                self.processes[state.task] = process

    def _running(self) -> dict[int, Child]:
        return {task: process.child for task, process in self.processes.items()}

    # Tasks to take

    def take(self, task: dict[str, Any]) -> bool:
        """Take a task that the hub has assigned, if it really is ours and nothing of it is left from before."""
        number = task["id"]
        if number in self.processes or self.housekeeping.concerns(number):
            logger.info("Task %s comes back before its last run is cleaned up", number)
            return False
        if task["state"] != ASSIGNED or task["host_id"] != self.host_id:
            logger.error("Task %(id)s is not assigned to us: state %(state)s, host %(host_id)s", task)
            return False
        return bool(self.takeTask(cast("Any", task)))

    def forkTask(self, handler: BaseTaskHandler) -> tuple[int, int]:  # noqa: N802
        """Start a task process."""
        known = cast("Any", handler)
        self.services.journal.record(Phase.OPENED, task=known.id, method=known.method)
        self.tasks[known.id] = {**self.tasks.get(known.id, {}), "waiting": False, "weight": known.weight()}
        subsession = self.session.subsession()
        session_id = subsession.session_id
        run = functools.partial(
            run_in_child, handler, subsession, self.services, self.state, int(self.host_id)
        )
        with signals_held_back():
            child = fork(f"task {known.id}", run, at_start=self._leave_main, outlives_us=True)
            self.processes[known.id] = TaskProcess(
                task=known.id, child=child, session_id=session_id, began=since_boot()
            )
        subsession.forget()
        return child.pid, session_id

    def runTask(self, handler: BaseTaskHandler) -> None:  # noqa: N802
        """Run a task in this process: those that are about the daemon itself."""
        known = cast("Any", handler)
        self.services.journal.record(Phase.STARTED, task=known.id, method=known.method)
        try:
            TaskRun(handler, self.session, self.services.journal, self.host_id).run()
        finally:
            self.tasks.pop(known.id, None)

    def _leave_main(self) -> None:
        """In a child, after the fork: let go of what belongs to the main process."""
        self.session.forget()
        self.wakeup.close_in_child()

    # Beginning and end

    def begin(self) -> None:
        """Before the first pass: what an earlier daemon has left goes on or goes, and forks share what is in memory."""
        self.state.remove_partial()
        self.adopt()
        if self.processes:
            self.contact.lost()
        # Those that go on wait for their sessions, and are not to wait for an engine.
        seconds = 0.0 if self.processes else FIRST_SWEEP_SECONDS
        self.housekeeping.sweep_first(seconds, self._running())
        gc.collect()
        gc.freeze()

    def leave_running(self) -> None:
        """End, with all tasks running on: another main process follows."""
        self.engine.close()
        self.housekeeping.leave()

    def shutdown(self) -> None:
        """Stop all tasks, leave no container, and give the tasks back to the hub."""
        stop_all([process.child for process in self.processes.values()], STOP_GRACE)
        self.processes.clear()
        self.engine.close()
        self.housekeeping.finish(LEAVE_SECONDS)
        # One attempt: a hub that is away frees our tasks by itself. It is asked which they are, because one may have
        # been opened in the very moment of the signal.
        self.session.opts = {**self.session.opts, "timeout": LAST_CALL_SECONDS}
        tasks = [task["id"] for task in self.session.call_once("host.getHostTasks")]
        self.session.call_once("host.freeTasks", tasks)
        for task in tasks:
            self.services.journal.record(Phase.FREED, task=task)
        self.session.call_once("host.updateHost", task_load=0.0, ready=False)


def _without_numbers(status: str) -> str:
    return "".join(letter for letter in status if not letter.isdigit())
