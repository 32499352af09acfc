"""What happens in a task process: from the fork to the exit.

The process has a subsession of its own, its own connections to hub and engine, and no way back into the main
loop. It writes its state file first and removes it last, and only when its task ended in order; every other end
leaves the file, and so has the main process clean up.
"""

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, cast

import koji
import requests
from koji.tasks import BaseTaskHandler

from koji_adjutant.buildroot.settings import HOME
from koji_adjutant.container.labels import ROLE
from koji_adjutant.daemon.public.task_facts import show_task
from koji_adjutant.daemon.sessions import SessionWaiter
from koji_adjutant.daemon.tasks.processes import Child, before_the_end
from koji_adjutant.daemon.tasks.state import StateDirectory, TaskJournal
from koji_adjutant.daemon.tasks.task_run import TaskRun
from koji_adjutant.guards.usage import TaskUsage
from koji_adjutant.handlers.base import Services
from koji_adjutant.host.files import since_boot
from koji_adjutant.hub.claim import HubContact, TaskClaim
from koji_adjutant.hub.session import HubSession
from koji_adjutant.journal.phases import Journal, Phase
from koji_adjutant.journal.requests import MADE
from koji_adjutant.logs.excerpt import LastWords

STOP_GRACE = 1.0
KILL_INTERVAL = 1.0
ENGINE_FAILED = 3
"""Exit code of a process that gave its task back because it could not use the engine."""

logger = logging.getLogger("koji.adjutant.daemon.tasks")


@dataclass(frozen=True, kw_only=True)
class TaskProcess:
    """A task process, as the main process knows it."""

    task: int
    child: Child
    session_id: int | None
    """Its subsession; None: its own has ended, and it has no other yet."""
    is_adopted: bool = False
    """Whether an earlier main process forked it."""
    began: float = 0.0
    """When this main process forked it, in seconds since the machine booted."""
    kill_at: float | None = None
    """When (monotonic) to kill it, if it is to end and does not."""
    killed_at: float | None = None
    """When (monotonic) it was killed last: the kernel may let it live on, in a call that nothing interrupts."""
    stopped_for: str = ""
    """Why it is to end."""

    def with_session(self, session_id: int) -> "TaskProcess":
        """The same process, in another subsession."""
        return replace(self, session_id=session_id)

    def due_to_stop(self, now: float, why: str) -> "TaskProcess":
        """The same process, told to end: it removes its containers; SIGKILL follows if it takes too long."""
        return self if self.kill_at is not None else replace(self, kill_at=now + STOP_GRACE, stopped_for=why)

    def is_to_be_killed(self, now: float) -> bool:
        """Whether its time is over, and it was not killed a moment ago."""
        if self.kill_at is None or now < self.kill_at:
            return False
        return self.killed_at is None or now - self.killed_at >= KILL_INTERVAL

    @property
    def deadline(self) -> float | None:
        """When (monotonic) somebody has to look at it; one that was killed says so itself when it ends."""
        return self.kill_at if self.killed_at is None else None


class ContainerEvents:
    """Reports the containers of a task to its journal, and so to its state file."""

    def __init__(self, journal: Journal, task: int, usage: TaskUsage) -> None:
        self._journal = journal
        self._task = task
        self._usage = usage

    def container_created(self, container: str, labels: Mapping[str, str]) -> None:
        """`container` is there now."""
        role = labels.get(ROLE, "")
        self._journal.record(Phase.CONTAINER_CREATED, task=self._task, container=container, role=role)
        self._usage.container_came(container, role)

    def container_goes(self, container: str) -> None:
        """`container` is about to be removed."""
        self._usage.container_goes(container)

    def container_removed(self, container: str) -> None:
        """`container` is gone."""
        self._journal.record(Phase.CONTAINER_REMOVED, task=self._task, container=container)


def run_in_child(
    handler: BaseTaskHandler,
    session: HubSession,
    services: Services,
    state: StateDirectory,
    host_id: int,
    *,
    opened: Mapping[str, Any] = MappingProxyType({}),
) -> int:
    """The life of a task process; its exit code. `opened`: what the hub said of the task when it was opened."""
    known = cast("Any", handler)
    services.manager.close()
    before_the_end(services.manager.stop_starting)
    own = state.begin(known.id, known.method, str(known.workdir), session.session_id)
    contact = HubContact(state.path, services.config.sleeptime, is_silent=lambda: not state.has_main())
    session.claim = TaskClaim(task=known.id, host=host_id, contact=contact, since=since_boot())
    session.on_session_lost = SessionWaiter(state, own, session, services.poke)
    journal = TaskJournal(services.journal, state, own)
    usage = TaskUsage(services.journal, known.id, home=HOME)
    services.manager.observe(ContainerEvents(journal, known.id, usage))
    known.session = session
    shown = show_task(services.config, handler, opened)
    known.services = replace(services, journal=journal, shown=shown, usage=usage, last_words=LastWords())
    journal.record(Phase.STARTED, task=known.id, method=known.method)
    run = TaskRun(handler, session, journal, host_id)
    try:
        phase = run.run()
        # From now on it is history, which is as old as the facts.
        shown.update()
        # Last: until the session is closed, the hub takes calls from us.
        with suppress(koji.GenericError, requests.RequestException):
            session.logout()
    finally:
        MADE.say(services.journal, task=known.id)
    if not journal.containers:
        # What the engine would not remove goes when it can: the file has the main process see to that.
        state.end(known.id)
    logger.info("task %s: %s", known.id, phase)
    return ENGINE_FAILED if run.engine_failed else 0
