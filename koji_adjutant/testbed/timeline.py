"""A build as a person reads it: the journal's events of its tasks, with the seconds since the first."""

from collections.abc import Iterator, Sequence

from koji_adjutant.journal import Phase
from koji_adjutant.monitoring.journal import Event
from koji_adjutant.testbed.tasks import Task

WORDS = {
    Phase.OPENED: "task opened",
    Phase.BUILDROOT_RECORD: "buildroot recorded at the hub",
    Phase.SOLVED: "packages of the buildroot known",
    Phase.POPULATED: "root populated",
    Phase.BUILDROOT_READY: "buildroot ready",
    Phase.RPMBUILD_STARTED: "rpmbuild started",
    Phase.FIRST_LOG_UPLOADED: "first log line at the hub",
    Phase.UPLOADED: "uploaded",
    Phase.REPO_READY: "repo ready",
    Phase.TAGGED: "tagged",
    Phase.CLOSED: "closed",
    Phase.FAILED: "failed",
}


def timeline(events: Sequence[Event], tasks: Sequence[Task]) -> Iterator[str]:
    """One line for each event that WORDS names."""
    methods = {task.id: task.method for task in tasks}
    shown = sorted(
        (event for event in events if event.task in methods and event.phase in WORDS),
        key=lambda event: event.time,
    )
    for event in shown:
        method = methods.get(event.task or 0, "")
        since = (event.time - shown[0].time).total_seconds()
        yield f"{since:7.2f} s  {method:<12} {event.task or 0:>5}  {WORDS[Phase(event.phase)]}"
