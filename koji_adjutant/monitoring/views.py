"""What is shown: the words of status, pages, API and metrics, each with one meaning in all of them.

Views are values, made by `koji_adjutant.monitoring.registry` from the journal and the public files; whoever shows them
decides nothing any more. Texts are data from hub, packages and programs: whoever writes them to a page or a terminal
escapes them there. Times are seconds since the epoch, durations seconds, sizes bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from koji_adjutant.journal.public import CredentialFacts, DiskFacts, PluginFacts


class Outcome(StrEnum):
    """How a task stands."""

    RUNNING = "running"
    CLOSED = "closed"
    FAILED = "failed"
    REFUSED = "refused"
    FREED = "freed"
    CANCELED = "canceled"
    LOST = "lost"
    """Its process is dead, and nothing says how it ended; it is cleaned up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HostView:
    """The host in one look."""

    name: str
    sentence: str
    """The host in one sentence, for an operator."""
    alive: bool
    """Whether its main process lives."""
    ready: bool
    obstacle: str
    """Of `journal.state.Obstacle`, or `daemon` when no main process lives, `hub` when the hub is away."""
    reason: str
    since: float
    started: float
    version: str
    hub: str
    worker: str
    last_poll: float | None
    enabled: bool
    arches: tuple[str, ...]
    channels: tuple[str, ...] | None
    capacity: float
    task_load: float
    maxjobs: int
    running: int
    engine_version: str
    engine_problem: str
    disks: tuple[DiskFacts, ...] = ()
    credentials: tuple[CredentialFacts, ...] = ()
    plugins_failed: tuple[PluginFacts, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class PhaseView:
    """A span in the life of a task. `name` is one of a fixed list (`monitoring.phases`)."""

    name: str
    began: float
    ended: float | None
    """None while it lasts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LogView:
    """A log of a task."""

    name: str
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskView:
    """A task that runs here, or has run."""

    id: int
    method: str
    label: str
    package: str
    arch: str
    tag: str
    owner: str
    parent: int | None
    outcome: Outcome
    phase: str
    """The phase that it is in; empty when it has ended."""
    phases: tuple[PhaseView, ...]
    created: float | None
    opened: float | None
    ended: float | None
    average_seconds: float | None
    adopted: int = 0
    """How often another main process has taken it over."""
    buildroot: int | None = None
    image: str = ""
    image_digest: str = ""
    root: str = ""
    """How its root came to be: `hit`, `deps_hit`, `populated`, or empty when it has none."""
    packages: int | None = None
    limits: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    """`memory_bytes`, `cpus`, `pids`, `disk_bytes`, as far as there are any."""
    peak: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    """`memory_bytes`, `cpu_seconds`, `read_bytes`, `written_bytes`, `disk_bytes`, `pids`, as far as measured."""
    containers: tuple[str, ...] = ()
    logs: tuple[LogView, ...] = ()
    results: tuple[str, ...] = ()
    """What came of it: names of packages or files, ids."""
    error: str = ""
    first_error_line: str = ""
    last_lines: tuple[str, ...] = ()
    """Of the log that the error names."""
    link: str = ""

    @property
    def waited(self) -> float | None:
        """From its making on the hub to its opening here."""
        return None if self.opened is None or self.created is None else max(0.0, self.opened - self.created)


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerView:
    """A container that is there, or was."""

    id: str
    name: str
    role: str
    worker: str
    task: int | None
    image: str
    state: str
    """The engine's word; `removed` when it is gone."""
    created: float
    removed: float | None = None
    limits: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildrootView:
    """A buildroot image of the cache."""

    key: str
    kind: str
    tag: str
    arch: str
    group: str
    bytes: int
    created: float
    last_used: float
    uses: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheView:
    """What the cache of buildroot images is worth."""

    images: tuple[BuildrootView, ...]
    bytes: int
    limit_bytes: int | None
    hits: int
    deps_hits: int
    populated: int
    seconds_saved: float
    """Hits, each by what populating a root took on this host's average."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EventView:
    """A line of the journal, as `/events` sends it."""

    number: int
    """Grows by one; a client that comes back says which it had last."""
    time: float
    name: str
    task: int | None
    container: str
    details: Mapping[str, object]
