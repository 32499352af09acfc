"""The metrics: name, type, labels and meaning of each. The one table of /metrics, of what is counted, and of the docs.

Names follow Prometheus' rules: base units, `_total` for what only grows, `_info` for what is only said. A label has one
of the values of a fixed table (koji_adjutant.monitoring.label_values), never a task, package, path or text of others.
Constant.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

PREFIX = "koji_adjutant_"


class Kind(StrEnum):
    """Prometheus' types."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"
    SUMMARY = "summary"
    """Count and sum, without quantiles: of what comes added up."""
    INFO = "info"
    """Always 1; its labels are what it says."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """A metric. `name` is without the prefix, and as it is exposed: with `_total` and `_info`."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    """Upper bounds of a histogram, in seconds, without the infinite one."""

    @property
    def full_name(self) -> str:
        """As Prometheus shows it."""
        return PREFIX + self.name


TASK_SECONDS = (1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 10800.0, 43200.0)
PHASE_SECONDS = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 10800.0)
WAIT_SECONDS = (1.0, 5.0, 15.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 86400.0)
POPULATE_SECONDS = (1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0)

INFO = Family(
    name="info",
    kind=Kind.INFO,
    labels=("version", "hub", "arch"),
    help="The daemon: its version, the hub that it works for, and the architectures that it builds for.",
)
READY = Family(name="ready", kind=Kind.GAUGE, help="Whether the host takes tasks: 1 when it does, else 0.")
NOT_READY = Family(
    name="not_ready_info",
    kind=Kind.INFO,
    labels=("reason",),
    help="Why the host takes no tasks; there only while it takes none.",
)
TASKS = Family(
    name="tasks",
    kind=Kind.GAUGE,
    labels=("method", "phase"),
    help="Tasks that run now, by what they are doing.",
)
TASKS_ENDED = Family(
    name="tasks_total",
    kind=Kind.COUNTER,
    labels=("method", "outcome"),
    help="Tasks that have ended here, by how; lost is one whose process died without a word.",
)
TASK_DURATION = Family(
    name="task_duration_seconds",
    kind=Kind.HISTOGRAM,
    labels=("method",),
    buckets=TASK_SECONDS,
    help="From the opening of a task to its end, of those that were closed or failed.",
)
PHASE_DURATION = Family(
    name="task_phase_duration_seconds",
    kind=Kind.HISTOGRAM,
    labels=("method", "phase"),
    buckets=PHASE_SECONDS,
    help="How long a task was in a phase altogether, of those that were closed or failed.",
)
WAIT = Family(
    name="task_wait_seconds",
    kind=Kind.HISTOGRAM,
    labels=("method",),
    buckets=WAIT_SECONDS,
    help="From the making of a task on the hub to its opening here.",
)
ROOTS = Family(
    name="buildroot_requests_total",
    kind=Kind.COUNTER,
    labels=("result",),
    help="Buildroots by how they came to be: hit is a whole image, deps_hit one with the BuildRequires in it, "
    "populated was installed.",
)
POPULATE = Family(
    name="buildroot_populate_seconds",
    kind=Kind.HISTOGRAM,
    buckets=POPULATE_SECONDS,
    help="How long it took to install a buildroot, fetching included.",
)
IMAGES = Family(name="buildroot_images", kind=Kind.GAUGE, help="Buildroot images that are kept.")
IMAGE_BYTES = Family(
    name="buildroot_images_bytes", kind=Kind.GAUGE, help="What the buildroot images have to themselves."
)
DOWNLOADED = Family(
    name="download_bytes_total",
    kind=Kind.COUNTER,
    labels=("source",),
    help="Packages for buildroots, by where they came from: the host's own cache, or the network.",
)
HUB_REQUESTS = Family(
    name="hub_requests_total",
    kind=Kind.COUNTER,
    labels=("method", "outcome"),
    help="Calls to the hub; a multicall counts once. error: it has raised a fault, or there was no answer.",
)
HUB_DURATION = Family(
    name="hub_request_duration_seconds", kind=Kind.SUMMARY, help="How long the hub took to answer."
)
HUB_RETRIES = Family(
    name="hub_retries_total", kind=Kind.COUNTER, help="Calls to the hub that had to be sent once more."
)
ENGINE_REQUESTS = Family(
    name="engine_requests_total",
    kind=Kind.COUNTER,
    labels=("call", "outcome"),
    help="Requests to podman. error: it has answered with one, or not at all.",
)
ENGINE_DURATION = Family(
    name="engine_request_duration_seconds", kind=Kind.SUMMARY, help="How long podman took to answer."
)
LOG_UPLOADED = Family(
    name="log_uploaded_bytes_total", kind=Kind.COUNTER, help="Logs of tasks that were sent to the hub."
)
LOG_LAG = Family(
    name="log_upload_lag_seconds",
    kind=Kind.GAUGE,
    help="The longest that a piece of a log has waited for its upload, of what was reported in the last five minutes.",
)
UPLOADED = Family(
    name="upload_bytes_total",
    kind=Kind.COUNTER,
    help="Files of tasks that were sent to the hub, logs not counted.",
)
CONTAINERS = Family(
    name="containers",
    kind=Kind.GAUGE,
    labels=("kind", "state"),
    help="Containers of the engine that are this project's, of all workers, by what they are for.",
)
DISK_FREE = Family(
    name="disk_free_bytes", kind=Kind.GAUGE, labels=("area",), help="Room where the daemon writes."
)
DISK_LIMIT = Family(
    name="disk_limit_bytes",
    kind=Kind.GAUGE,
    labels=("area",),
    help="With less room than this the host takes no tasks; of area images: what buildroot images may take.",
)
SWEPT = Family(
    name="sweep_removed_total",
    kind=Kind.COUNTER,
    labels=("kind",),
    help="What was found without an owner, and removed. It grows after crashes and kills.",
)
GIVEN_BACK = Family(
    name="given_back_total",
    kind=Kind.COUNTER,
    labels=("reason",),
    help="Tasks that went back to the hub for another host, or for this one later.",
)
ADOPTED = Family(
    name="adopted_tasks_total",
    kind=Kind.COUNTER,
    help="Running tasks that a new main process has taken over.",
)
RESTARTS = Family(
    name="restarts_total",
    kind=Kind.COUNTER,
    labels=("kind",),
    help="Starts of the daemon that were not its first, by how the one before had ended.",
)
CREDENTIAL_EXPIRY = Family(
    name="credential_expiry_timestamp_seconds",
    kind=Kind.GAUGE,
    labels=("kind",),
    help="When what the daemon logs in with expires, where that is known.",
)
LAST_POLL = Family(
    name="last_poll_timestamp_seconds", kind=Kind.GAUGE, help="When the hub has last answered a poll."
)
PLUGINS_FAILED = Family(
    name="plugins_failed",
    kind=Kind.GAUGE,
    help="Plugins that could not be loaded; their methods are refused.",
)

FAMILIES = (
    INFO,
    READY,
    NOT_READY,
    LAST_POLL,
    TASKS,
    TASKS_ENDED,
    TASK_DURATION,
    PHASE_DURATION,
    WAIT,
    GIVEN_BACK,
    ADOPTED,
    RESTARTS,
    ROOTS,
    POPULATE,
    IMAGES,
    IMAGE_BYTES,
    DOWNLOADED,
    HUB_REQUESTS,
    HUB_DURATION,
    HUB_RETRIES,
    ENGINE_REQUESTS,
    ENGINE_DURATION,
    LOG_UPLOADED,
    LOG_LAG,
    UPLOADED,
    CONTAINERS,
    DISK_FREE,
    DISK_LIMIT,
    SWEPT,
    CREDENTIAL_EXPIRY,
    PLUGINS_FAILED,
)
"""In the order of the docs."""
COUNTED = (Kind.COUNTER, Kind.HISTOGRAM, Kind.SUMMARY)
BY_NAME: Mapping[str, Family] = MappingProxyType({family.name: family for family in FAMILIES})
