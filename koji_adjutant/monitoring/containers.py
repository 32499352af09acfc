"""The containers of an engine: what its list says, and what the journal of this worker says of those that are gone.

The list is of all workers on the engine; the journal is of this one, and knows at once. Belongs to one thread; as
durable as the process.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import MappingProxyType

from koji_adjutant.journal.file import Event
from koji_adjutant.journal.phases import HostEvent, Phase
from koji_adjutant.journal.public import Containers
from koji_adjutant.monitoring.clock import Clock, Moment
from koji_adjutant.monitoring.tasks import measures
from koji_adjutant.monitoring.views import ContainerView

MOST = 2000
CREATED, REMOVED = "created", "removed"
"""Of `ContainerView.state`: what the journal knows. The engine has more words for those that are there."""
_GONE = frozenset({Phase.CONTAINER_REMOVED.value, Phase.SWEPT.value})


@dataclass(slots=True)
class ContainerRecord:
    """What the journal has said of a container."""

    id: str
    task: int | None
    created: Moment
    role: str = ""
    removed: Moment | None = None
    limits: dict[str, float] = field(default_factory=dict)


class ContainerHistory:
    """Containers, those of last at the end."""

    def __init__(self, clock: Clock, *, most: int = MOST) -> None:
        self._clock = clock
        self._most = most
        self._records: OrderedDict[str, ContainerRecord] = OrderedDict()
        self._worker = ""

    def take(self, event: Event, now: Moment) -> None:
        """Note an event of any kind."""
        if event.name == HostEvent.DAEMON_STARTED:
            self._worker = str(event.details.get("worker", "")) or self._worker
        if event.name == Phase.BUILDROOT_READY and (known := self._records.get(event.container)):
            known.limits = measures(event.details.get("limits")) or known.limits
        if not event.container or event.name not in (Phase.CONTAINER_CREATED, *_GONE):
            return
        record = self._records.get(event.container)
        if record is None:
            record = ContainerRecord(event.container, event.task, now)
            self._records[event.container] = record
            if len(self._records) > self._most:
                self._records.popitem(last=False)
        record.role = str(event.details.get("role", "")) or record.role
        if event.name in _GONE:
            record.removed = now

    def views(self, listed: Containers | None, *, worker: str) -> Iterator[ContainerView]:
        """Those that are there, and those that were; newest first. `listed`: what the engine said last."""
        there = {one.id: one for one in listed.containers} if listed else {}
        found = [
            self._from_journal(one, listed, worker or self._worker)
            for one in self._records.values()
            if one.id not in there
        ]
        for facts in there.values():
            record = self._records.get(facts.id)
            removed = self._clock.tell(record.removed) if record and record.removed else None
            found.append(
                ContainerView(
                    id=facts.id,
                    name=facts.name,
                    role=facts.role,
                    worker=facts.worker,
                    task=facts.task,
                    image=facts.image,
                    state=facts.state if removed is None else REMOVED,
                    created=facts.created,
                    removed=removed,
                    limits=MappingProxyType(dict(record.limits) if record else {}),
                )
            )
        yield from sorted(found, key=lambda one: one.created, reverse=True)

    def _from_journal(self, record: ContainerRecord, listed: Containers | None, worker: str) -> ContainerView:
        created = self._clock.tell(record.created)
        removed = None if record.removed is None else self._clock.tell(record.removed)
        if removed is None and listed and listed.time > created:
            # The engine was asked later, and has it no more: whoever removed it had no time to say so.
            removed = listed.time
        return ContainerView(
            id=record.id,
            name="",
            role=record.role,
            worker=worker,
            task=record.task,
            image="",
            state=CREATED if removed is None else REMOVED,
            created=created,
            removed=removed,
            limits=MappingProxyType(dict(record.limits)),
        )

    def forget(self, *, older_than: float) -> None:
        """Drop those that were removed before a time of day."""
        gone = [
            one.id
            for one in self._records.values()
            if one.removed and self._clock.tell(one.removed) < older_than
        ]
        for container in gone:
            del self._records[container]
