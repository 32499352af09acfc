"""The main process: what it knows, and what it does with what the hub says.

Koji's TaskManager takes tasks and keeps its books; everything that it knows of mock is replaced. Each pass begins with
the task processes (koji_adjutant.daemon.tasks.running): those that have ended are collected, and those that an earlier
main process has left are adopted, before the hub is asked. So a task goes on over the death of the main process, and
is never free while its process lives.
"""

import functools
import gc
import logging
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum, auto
from pathlib import Path
from typing import Any, cast

import koji
from koji.daemon import TaskManager
from koji.tasks import BaseTaskHandler, ServerRestart

from koji_adjutant.config import Config
from koji_adjutant.daemon.cleanup.housekeeping import Housekeeping
from koji_adjutant.daemon.engine.trial import EngineTrial
from koji_adjutant.daemon.engine.watch import EngineWatch
from koji_adjutant.daemon.hand_back import hand_back
from koji_adjutant.daemon.poll import Report, expire_buildroots, poll
from koji_adjutant.daemon.public.host_facts import HostShow, Moment
from koji_adjutant.daemon.public.slow_looks import SlowLooks
from koji_adjutant.daemon.public.status_server import Identity, StatusServer
from koji_adjutant.daemon.readiness import Readiness, Situation, reason_not_ready, storage_to_measure
from koji_adjutant.daemon.tasks.processes import fork, signals_held_back
from koji_adjutant.daemon.tasks.running import RunningTasks
from koji_adjutant.daemon.tasks.state import StateDirectory
from koji_adjutant.daemon.tasks.task_process import ENGINE_FAILED, STOP_GRACE, TaskProcess, run_in_child
from koji_adjutant.daemon.tasks.task_run import TaskRun
from koji_adjutant.daemon.wakeup import Bursts, WakeUp
from koji_adjutant.errors import Problem
from koji_adjutant.handlers.base import Services
from koji_adjutant.handlers.task_label import task_label
from koji_adjutant.host import disks, systemd
from koji_adjutant.host.files import since_boot
from koji_adjutant.hub.claim import HubContact
from koji_adjutant.hub.session import HubSession
from koji_adjutant.journal.phases import GivenBack, HostEvent, Phase
from koji_adjutant.journal.state import NotReady
from koji_adjutant.plugins.outages import Methods

ASSIGNED = koji.TASK_STATES["ASSIGNED"]
FIRST_SWEEP_SECONDS = 3.0
ENGINE_INTERVAL = 5.0
LEAVE_SECONDS = 12.0
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
    pids: dict[int, int]
    _not_ready: NotReady | None = None

    def __init__(
        self,
        config: Config,
        session: HubSession,
        services: Services,
        state: StateDirectory,
        wakeup: WakeUp,
        *,
        methods: Methods,
        status_argv: Sequence[str] = (),
    ) -> None:
        """`status_argv`: the status server's, where it is to be a child of this process."""
        super().__init__(cast("Any", config), session)
        self.handlers = dict(methods.served)
        self.outages = methods.outages
        self.services = services
        self.state = state
        self.wakeup = wakeup
        self.bursts = Bursts()
        self.hostdata = session.host.getHost()
        self.engine = EngineWatch(
            services.manager,
            self._leave_main,
            max(ENGINE_INTERVAL, config.sleeptime),
            EngineTrial(config=config, worker=services.worker),
            journal=services.journal,
        )
        self.housekeeping = Housekeeping(services, state, self._leave_main)
        self.contact = HubContact(state.path, config.sleeptime)
        self.running = RunningTasks(
            session=session,
            journal=services.journal,
            state=state,
            contact=self.contact,
            host_id=int(self.host_id),
            workdir=Path(config.workdir),
            clean_up=self.housekeeping.clean_up,
        )
        self.readiness = Readiness(state.path, services.journal)
        self._storage = storage_to_measure(None, config)
        self.show = HostShow(config, methods, services.worker)
        self.slow_looks = SlowLooks(config, self._leave_main)
        self.status_server = StatusServer(
            status_argv,
            state.path,
            Identity.here(config.monitoring_group),
            at_start=self._leave_main,
        )

    @property
    def processes(self) -> dict[int, TaskProcess]:
        """The task processes, by task."""
        return self.running.processes

    # One pass

    def one_pass(self, *, with_buildroots: bool) -> Next:
        """Look at everything once, take at most one task, and say when to look again."""
        self.status_server.keep_running()
        self.collect()
        self.running.adopt()
        self.housekeeping.work(self.running.children(), self._storage)
        ready = self.readyForTask()
        report = Report(
            task_load=self.load(), ready=ready, methods=tuple(self.handlers), maxjobs=self.options.maxjobs
        )
        prewarming = self.housekeeping.cache.prewarming
        tags = prewarming.tags_to_ask()
        seen = poll(
            self.session,
            self.host_id,
            report,
            with_buildroots=with_buildroots,
            with_channels=self.show.wants_channels(),
            tags=tags,
        )
        self.hostdata = seen.host()
        self.contact.seen()
        self.show.polled(seen.channels())
        open_tasks = seen.open_tasks()
        self.tasks = {task["id"]: task for task in open_tasks if task["id"] in self.processes}
        self.tasks |= self.running.compare(open_tasks)
        self.running.give_sessions()
        seen.check_report()
        expire_buildroots(self.session, seen, self.tasks)
        prewarming.take_repos(seen.repos())
        is_ready_now = self.readyForTask()
        if not ready:
            # What the hub just said may have changed that.
            return Next.AT_ONCE if is_ready_now else Next.WAIT
        assigned = seen.assigned_tasks()
        self.bursts.polled(found=bool(assigned))
        taken = is_ready_now and any(self.take(task) for task in assigned)
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
            disk_problem=disks.problem(self.options.disks),
        )
        self._not_ready = reason_not_ready(situation, self.options)
        return self._not_ready is None

    def wait(self, patience: float = math.inf, pidfds: Iterable[int] = ()) -> None:
        """Sleep until it is time for the next pass, or one of `pidfds` ends; at most `patience` seconds."""
        self.readiness.say(self._not_ready)
        self.show.show(self._moment())
        seconds = min(
            [
                self.options.sleeptime,
                systemd.patience(),
                math.inf if self._not_ready else self.bursts.seconds(),
                patience,
                self.status_server.patience(),
                *(at - time.monotonic() for at in self.running.deadlines()),
            ]
        )
        if self.wakeup.wait(seconds, (*self.running.pidfds(), *self._helpers_pidfds(), *pidfds)):
            self.bursts.begin()

    def _helpers_pidfds(self) -> Iterable[int]:
        return (*self.housekeeping.pidfds(), *self.slow_looks.pidfds(), *self.status_server.pidfds())

    def hub_failed(self) -> None:
        """Show that the hub is away: there is no sleep in which everything is shown."""
        self.show.hub_failed(self._moment())

    def _moment(self) -> Moment:
        if self.show.is_on:
            self.show.slow = self.slow_looks.found()
        engine = self.engine.last
        return Moment(
            host=self.hostdata,
            not_ready=self._not_ready,
            task_load=self.load(),
            storage=self._storage,
            engine_version=engine.version,
            engine_problem=str(engine.problem or ""),
        )

    def collect(self) -> None:
        """Collect task processes that have ended; kill those that should have."""
        for task, status in self.running.collect():
            self.tasks.pop(task, None)
            self.pids.pop(task, None)
            self.bursts.begin()
            if status == ENGINE_FAILED:
                self.engine.doubt()

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
        if why := self.outages.refusal(task["method"]):
            # Softly: the hub gives tasks of methods that are not reported, too, and what every host has refused for
            # good is never built.
            logger.warning("Refusing task %s (%s): %s", number, task["method"], why)
            self.session.host.refuseTask(number, soft=True, msg=str(why))
            self.services.journal.record(
                Phase.REFUSED,
                task=number,
                method=task["method"],
                reason=GivenBack.PLUGIN,
                why=str(why),
                soft=True,
            )
            return False
        if self.takeTask(cast("Any", task)):
            return True
        # The library has refused it, or could not open it, and says why in the log alone.
        self.services.journal.record(HostEvent.TASK_NOT_TAKEN, task=number, method=task["method"])
        return False

    def forkTask(self, handler: BaseTaskHandler) -> tuple[int, int]:  # noqa: N802
        """Start a task process."""
        known = cast("Any", handler)
        opened = self.tasks.get(known.id, {})
        self._note_opened(handler, opened)
        self.tasks[known.id] = {**opened, "waiting": False, "weight": known.weight()}
        subsession = self.session.subsession()
        session_id = subsession.session_id
        run = functools.partial(
            run_in_child,
            handler,
            subsession,
            self.services,
            self.state,
            int(self.host_id),
            opened=self.tasks[known.id],
        )
        try:
            with signals_held_back():
                child = fork(f"task {known.id}", run, at_start=self._leave_main, outlives_us=True)
                self.processes[known.id] = TaskProcess(
                    task=known.id, child=child, session_id=session_id, began=since_boot()
                )
        except OSError as error:
            self._give_back(known.id, subsession, error)
            raise
        subsession.forget()
        return child.pid, session_id

    def _note_opened(self, handler: BaseTaskHandler, opened: Mapping[str, Any]) -> None:
        """`opened` is what the hub has said of the task, where it has."""
        known, parent = cast("Any", handler), opened.get("parent")
        self.services.journal.record(
            Phase.OPENED,
            task=known.id,
            method=known.method,
            label=task_label(handler, str(opened.get("arch", ""))),
            **({} if parent is None else {"parent": parent}),
        )

    def _give_back(self, task: int, subsession: HubSession, error: OSError) -> None:
        """A task that is open, and that no process could be had for."""
        logger.error("Task %s goes back to the hub: no process for it: %s", task, error)
        self.tasks.pop(task, None)
        subsession.logout()
        self.session.host.freeTasks([task])
        self.services.journal.record(
            Phase.FREED, task=task, reason=GivenBack.NO_PROCESS, why=f"no process for it: {error}"
        )

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
        self.running.adopt()
        if self.processes:
            self.contact.lost()
        # Those that go on wait for their sessions, and are not to wait for an engine.
        seconds = 0.0 if self.processes else FIRST_SWEEP_SECONDS
        self.housekeeping.sweep_first(seconds, self.running.children())
        gc.collect()
        gc.freeze()

    def leave_running(self) -> None:
        """End, with all tasks running on: another main process follows."""
        self.status_server.stop()
        self.engine.close()
        self.slow_looks.close()
        self.housekeeping.leave()

    def end(self) -> Problem | None:
        """Stop all tasks, leave no container, give everything back to the hub and log out; what it was not told."""
        self.running.stop_all(STOP_GRACE)
        self.status_server.stop()
        self.engine.close()
        self.slow_looks.close()
        self.housekeeping.finish(LEAVE_SECONDS)
        return hand_back(self.session, self.services.journal)
