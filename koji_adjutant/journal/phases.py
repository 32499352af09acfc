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
    """`method`, `label` (one line for people, as Koji labels tasks), `parent` (left out when it has none)."""
    STARTED = "started"
    ADOPTED = "adopted"
    """By another main process than the one that forked it."""
    IMAGE_READY = "image-ready"
    """`image`, its `digest`, and the `key` of a buildroot image."""
    BUILDROOT_RECORD = "buildroot-record"
    SOLVED = "solved"
    POPULATED = "populated"
    """`seconds` that it took, fetching included; `packages` that were installed."""
    BUILDROOT_READY = "buildroot-ready"
    """Once for the install group, and again whenever BuildRequires had to be added: `root` (journal.use.Root) says how
    the root came to what it is, so the last one counts for the task; `packages` are all that are in it, `limits` what
    its containers may take (`memory_bytes`, `cpus`, `pids`, `disk_bytes`, each left out where there is none)."""
    COMMAND_STARTED = "command-started"
    RPMBUILD_STARTED = "rpmbuild-started"
    """`command`: a run of rpmbuild (`rpmbuild-bs`, `-br`, `-bb`, `-ba`), or a step that it says it begins: `prep`,
    `generate_buildrequires`, `conf`, `build`, `install`, `check`, `package`."""
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
    """`fault` and `error`, as the hub is told; where a log says more: `log`, its name, `first_error_line`, the first
    line that looks like a reason, and `last_lines`, at most 20. All three are text of packages."""
    REFUSED = "refused"
    """As `freed`, with the `reason` (GivenBack) and `why`, a sentence."""
    FREED = "freed"
    CANCELED = "canceled"
    SWEPT = "swept"


class GivenBack(StrEnum):
    """Why a task went back to the hub: a fixed list, for who counts or compares them."""

    STOP = "stop"
    """The daemon stops."""
    RESTART = "restart"
    """A task `restart`, which has to wait."""
    ENGINE = "engine"
    """It could not be used."""
    INTERRUPTED = "interrupted"
    """Somebody else has ended its container."""
    NO_PROCESS = "no-process"
    """None could be had for it."""
    LOST = "lost"
    """Its process is dead, or never was here."""
    REFUSED = "refused"
    """Not a task for this host."""
    PLUGIN = "plugin"
    """Its method is of a plugin that could not be loaded."""
    OTHER = "other"
    """Of a version that did not say, or of one to come."""


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
    USAGE = "usage"
    """What a container of `task` has used: `role`, and what could be measured of journal.use.Use. Of one that is about
    to be removed, all that it used; with `phase`, a phase of its rpmbuild with the `seconds` that it took."""
    REQUESTS = "requests"
    """What one process has asked of hub and engine since it last said so (journal.requests)."""
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
