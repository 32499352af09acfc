"""The host, as its main process has described it, and whether that process lives.

A main process writes its facts whenever it goes to sleep. Whether it lives is seen by its process; where processes of
others cannot be seen (another container, hidden ones), by the age of the facts. Belongs to one thread.
"""

from dataclasses import replace

from koji_adjutant.host.processes import start_time
from koji_adjutant.journal.file import Event
from koji_adjutant.journal.phases import HostEvent
from koji_adjutant.journal.public import HostFacts
from koji_adjutant.journal.state import ProcessName
from koji_adjutant.monitoring.clock import Clock, Moment
from koji_adjutant.monitoring.public_files import Watched
from koji_adjutant.monitoring.sentence import DAEMON, HUB, host_sentence
from koji_adjutant.monitoring.views import HostView

FRESH_SECONDS = 60.0
"""The age of facts up to which a process that cannot be seen is taken to live."""


class HostWatch:
    """What is known of the host."""

    def __init__(self, watched: Watched[HostFacts], clock: Clock) -> None:
        self._watched = watched
        self._clock = clock
        self._seen: ProcessName | None = None
        """The writer that was seen alive."""
        self._stopped: Moment | None = None
        self._hub_reason = ""

    def facts(self) -> HostFacts | None:
        """What the main process wrote last."""
        return self._watched.get()

    def take(self, event: Event, now: Moment) -> None:
        """Note an event of any kind."""
        if event.name == HostEvent.HUB_LOST:
            self._hub_reason = str(event.details.get("reason", ""))
        elif event.name == HostEvent.DAEMON_STOPPED:
            self._stopped = now

    def view(self, *, running: int) -> HostView:
        """The host now; `running`: how many tasks."""
        facts = self.facts()
        if facts is None:
            nobody = ProcessName(pid=0, start_time=0, boot_id="")
            facts = HostFacts(
                writer=nobody, time=0, started=0, version="", name="", hub="", worker="", ready=False
            )
        alive = self._is_alive(facts)
        facts = self._judged(facts, alive=alive)
        return self._view(facts, alive=alive, running=running)

    def _is_alive(self, facts: HostFacts) -> bool:
        writer = facts.writer
        if writer.pid <= 0 or writer.boot_id != self._clock.boot:
            return False
        if start_time(writer.pid) == writer.start_time:
            self._seen = writer
            return True
        if self._seen == writer:
            return False
        stopped = None if self._stopped is None else self._clock.tell(self._stopped)
        is_fresh = self._clock.now() - facts.time < FRESH_SECONDS
        return is_fresh and not (stopped is not None and stopped >= facts.time)

    def _judged(self, facts: HostFacts, *, alive: bool) -> HostFacts:
        """The facts with what a main process cannot say of itself."""
        if not alive:
            return replace(facts, ready=False, obstacle=DAEMON, reason="", since=facts.time)
        if facts.hub_lost_since is not None:
            return replace(
                facts, ready=False, obstacle=HUB, reason=self._hub_reason, since=facts.hub_lost_since
            )
        return facts

    def _view(self, facts: HostFacts, *, alive: bool, running: int) -> HostView:
        return HostView(
            name=facts.name,
            sentence=host_sentence(
                name=facts.name,
                ready=facts.ready,
                obstacle=facts.obstacle,
                reason=facts.reason,
                running=running,
                seconds=max(0.0, self._clock.now() - facts.since) if facts.since else None,
            ),
            alive=alive,
            ready=facts.ready,
            obstacle="" if facts.ready else facts.obstacle,
            reason="" if facts.ready else facts.reason,
            since=facts.since,
            started=facts.started,
            version=facts.version,
            hub=facts.hub,
            worker=facts.worker,
            last_poll=facts.last_poll,
            enabled=facts.enabled,
            arches=facts.arches,
            channels=facts.channels,
            capacity=facts.capacity,
            task_load=facts.task_load,
            maxjobs=facts.maxjobs,
            running=running,
            engine_version=facts.engine_version,
            engine_problem=facts.engine_problem,
            disks=facts.disks,
            credentials=facts.credentials,
            plugins_failed=facts.plugins_failed,
        )
