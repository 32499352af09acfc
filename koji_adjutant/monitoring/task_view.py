"""A task as it is shown: its record of the journal, and what its own file says besides. Pure."""

from collections.abc import Iterator
from types import MappingProxyType

from koji_adjutant.journal.public import TaskFacts
from koji_adjutant.monitoring.clock import Clock
from koji_adjutant.monitoring.phases import PhaseName
from koji_adjutant.monitoring.tasks import TaskRecord
from koji_adjutant.monitoring.views import LogView, PhaseView, TaskView


def task_view(
    record: TaskRecord, facts: TaskFacts | None, logs: tuple[LogView, ...], clock: Clock
) -> TaskView:
    """The view of a task. `facts`: None when it has left none."""
    known = facts or TaskFacts(task=record.id, method=record.method)
    opened = None if record.opened is None else clock.tell(record.opened)
    ended = None if record.ended is None else clock.tell(record.ended)
    return TaskView(
        id=record.id,
        method=record.method or known.method,
        label=known.label or record.label,
        package=known.package,
        arch=known.arch,
        tag=known.tag,
        owner=known.owner,
        parent=known.parent if record.parent is None else record.parent,
        outcome=record.outcome,
        phase="" if ended is not None or not record.phases else record.phases[-1].value,
        phases=tuple(_phases(record, known.created, opened, ended, clock)),
        created=known.created,
        opened=opened,
        ended=ended,
        average_seconds=known.average_seconds,
        adopted=record.adopted,
        buildroot=record.buildroot,
        image=record.image,
        image_digest=record.image_digest,
        root=record.root,
        packages=record.packages,
        limits=MappingProxyType({**record.limits}),
        peak=MappingProxyType({**record.peak}),
        containers=tuple(record.containers),
        logs=logs,
        results=tuple(record.results.split("\n")) if record.results else (),
        error=record.error,
        first_error_line=record.first_error_line,
        last_lines=tuple(record.last_lines.split("\n")) if record.last_lines else (),
        link=known.link,
    )


def _phases(
    record: TaskRecord, created: float | None, opened: float | None, ended: float | None, clock: Clock
) -> Iterator[PhaseView]:
    if created is not None and opened is not None and created < opened:
        yield PhaseView(name=PhaseName.QUEUED.value, began=created, ended=opened)
    begins = [clock.tell(record.began[place]) for place in range(len(record.began))]
    for name, began, end in zip(record.phases, begins, [*begins[1:], ended], strict=False):
        yield PhaseView(name=name.value, began=began, ended=end)
