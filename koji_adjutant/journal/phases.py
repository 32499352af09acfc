"""What happened, as it happens: the names of events, and the interface that every part reports them to.

An event of a task says that a `Phase` has been reached; a `HostEvent` is about the daemon, its engine, its hub or its
images, and may name the task that it came of. The daemon's journal (koji_adjutant.journal.file) has a line for each;
docs/operating.md has the table of what each says. Recording never fails a task.
"""

from enum import StrEnum
from typing import Protocol


class Phase(StrEnum):
    """Points in the life of a task, in the order in which a build passes them."""

    OPENED = "opened"
    STARTED = "started"
    ADOPTED = "adopted"
    """By another main process than the one that forked it."""
    IMAGE_READY = "image-ready"
    BUILDROOT_RECORD = "buildroot-record"
    SOLVED = "solved"
    POPULATED = "populated"
    BUILDROOT_READY = "buildroot-ready"
    COMMAND_STARTED = "command-started"
    RPMBUILD_STARTED = "rpmbuild-started"
    FIRST_LOG_UPLOADED = "first-log-uploaded"
    COMMAND_ENDED = "command-ended"
    CONTAINER_CREATED = "container-created"
    CONTAINER_REMOVED = "container-removed"
    UPLOADED = "uploaded"
    TAGGED = "tagged"
    REPO_READY = "repo-ready"
    IMAGE_MADE = "image-made"
    """A buildroot image, of no task in particular."""
    CLOSED = "closed"
    FAILED = "failed"
    REFUSED = "refused"
    FREED = "freed"
    CANCELED = "canceled"
    SWEPT = "swept"


class HostEvent(StrEnum):
    """What happens to a host rather than to a task. Where two make a pair, the second ends what the first began."""

    DAEMON_STARTED = "daemon-started"
    DAEMON_STOPPED = "daemon-stopped"
    RELOAD_ASKED = "reload-asked"
    RELOAD_REFUSED = "reload-refused"
    READY = "ready"
    NOT_READY = "not-ready"
    HUB_LOST = "hub-lost"
    HUB_BACK = "hub-back"
    MAIN_LOOP_FAILED = "main-loop-failed"
    MAIN_LOOP_BACK = "main-loop-back"
    TASK_NOT_TAKEN = "task-not-taken"
    ENGINE_LOST = "engine-lost"
    ENGINE_BACK = "engine-back"
    SWEEP_ENDED = "sweep-ended"
    IMAGE_REQUESTED = "image-requested"
    IMAGE_BEGUN = "image-begun"
    IMAGE_FAILED = "image-failed"
    IMAGE_REMOVED = "image-removed"
    EVENTS_LOST = "events-lost"
    """Of one process, while the journal could not be written."""


EventName = Phase | HostEvent


class Journal(Protocol):
    """Takes events. `details` are JSON values; never a password, key or token."""

    def record(
        self, name: EventName, /, *, task: int | None = None, container: str = "", **details: object
    ) -> None:
        """Report an event of `task`, if it is of one, with the id of the container that it is about, if any."""


class NullJournal:
    """Takes events and forgets them."""

    def record(
        self, name: EventName, /, *, task: int | None = None, container: str = "", **details: object
    ) -> None:
        """Forget the event."""
