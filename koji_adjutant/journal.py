"""What happened to a task, as it happens: the interface that every part reports to.

An event says that `phase` has been reached. The daemon's journal (koji_adjutant.monitoring.journal) writes one JSON
line an event below the state directory; the demo's timeline and the tests read it. Recording never fails a task.
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
    CLOSED = "closed"
    FAILED = "failed"
    REFUSED = "refused"
    FREED = "freed"
    CANCELED = "canceled"
    SWEPT = "swept"


class Journal(Protocol):
    """Takes events. `details` are JSON values; never a password, key or token."""

    def record(
        self, phase: Phase, *, task: int | None = None, container: str = "", **details: object
    ) -> None:
        """Report that `task` has reached `phase`, with the id of the container it is about, if any."""


class NullJournal:
    """Takes events and forgets them."""

    def record(
        self, phase: Phase, *, task: int | None = None, container: str = "", **details: object
    ) -> None:
        """Forget the event."""
