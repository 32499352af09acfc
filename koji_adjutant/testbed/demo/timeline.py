"""A build as a person reads it: the journal's events of its tasks, with the seconds since the first."""

from collections.abc import Iterator, Sequence

from koji_adjutant.journal.file import Event
from koji_adjutant.journal.phases import Phase
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
    """One line for each phase that WORDS names and a task reached, when it first did."""
    methods = {task.id: task.method for task in tasks}
    reached: dict[tuple[int, Phase], Event] = {}
    for event in sorted(events, key=lambda event: event.time):
        if event.task in methods and event.name in WORDS:
            reached.setdefault((event.task, Phase(event.name)), event)
    began = min((event.time for event in reached.values()), default=None)
    for (task, phase), event in reached.items():
        since = (event.time - began).total_seconds() if began else 0.0
        yield f"{since:7.2f} s  {methods[task]:<12} {task:>5}  {WORDS[phase]}"
