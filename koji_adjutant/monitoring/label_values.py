"""The values that a label may have: tables, so that nobody who is built for, and no file that is broken, makes series.

What is in no table is `other`. Methods of tasks are those that the daemon has said it serves (`host.json`), plugins'
included: an operator has installed them. Constant, but for these.
"""

import re
from collections.abc import Collection, Iterable

from koji_adjutant.journal.phases import GivenBack
from koji_adjutant.journal.requests import ENGINE_CALLS, HUB_METHODS, OTHER
from koji_adjutant.journal.state import Obstacle
from koji_adjutant.journal.use import Root
from koji_adjutant.monitoring.phases import PhaseName
from koji_adjutant.monitoring.sentence import DAEMON, HUB
from koji_adjutant.monitoring.views import Outcome

METHODS_LIMIT = 100
"""Of tasks. Koji has some forty."""
TEXT_LIMIT = 200
"""Characters of what `info` says, which is one series."""
_METHOD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")

OK, ERROR = "ok", "error"
UNKNOWN = "unknown"
IMAGES = "images"
"""The area of buildroot images: what they may take is no limit of a disk."""
REASONS = frozenset({*(one.value for one in Obstacle if one.value), DAEMON, HUB, UNKNOWN})
OUTCOMES = frozenset(one.value for one in Outcome if one is not Outcome.RUNNING)
PHASES = frozenset(one.value for one in PhaseName)
ROOTS = frozenset(one.value for one in Root)
SOURCES = frozenset({"cache", "network"})
KINDS_OF_CONTAINERS = frozenset({"build", "solver", "installer", "tool", "checkout", "image", "shell"})
"""Roles, as `container.labels` has them."""
STATES = frozenset(
    {"created", "initialized", "running", "stopping", "stopped", "exited", "paused", "removing", UNKNOWN}
)
"""podman's words."""
AREAS = frozenset({"workdir", "storage", "state", "cache", "topdir", IMAGES})
KINDS_OF_LEFTOVERS = frozenset({"containers", "work_directories", "conmons", "processes", "container_logs"})
GIVEN_BACK = frozenset(one.value for one in GivenBack)
STOP, CRASH, REBOOT = "stop", "crash", "reboot"
KINDS_OF_ENDS = frozenset({STOP, "reload", "restart", "session-lost", CRASH, REBOOT})
"""Of a main process: what it has said itself, or nothing, in the same boot or in another."""
KINDS_OF_CREDENTIALS = frozenset({"keytab", "ccache", "certificate", "ca", "password"})

VALUES: dict[tuple[str, str], frozenset[str]] = {
    ("not_ready_info", "reason"): REASONS,
    ("tasks", "phase"): PHASES,
    ("tasks_total", "outcome"): OUTCOMES,
    ("task_phase_duration_seconds", "phase"): PHASES,
    ("buildroot_requests_total", "result"): ROOTS,
    ("download_bytes_total", "source"): SOURCES,
    ("hub_requests_total", "method"): HUB_METHODS,
    ("hub_requests_total", "outcome"): frozenset({OK, ERROR}),
    ("engine_requests_total", "call"): ENGINE_CALLS,
    ("engine_requests_total", "outcome"): frozenset({OK, ERROR}),
    ("containers", "kind"): KINDS_OF_CONTAINERS,
    ("containers", "state"): STATES,
    ("disk_free_bytes", "area"): AREAS,
    ("disk_limit_bytes", "area"): AREAS,
    ("sweep_removed_total", "kind"): KINDS_OF_LEFTOVERS,
    ("given_back_total", "reason"): GIVEN_BACK,
    ("restarts_total", "kind"): KINDS_OF_ENDS,
    ("credential_expiry_timestamp_seconds", "kind"): KINDS_OF_CREDENTIALS,
}
"""By metric and label: all that have a fixed table. `method` of tasks is the other one (`Methods`)."""


def bounded(value: object, known: Collection[str], otherwise: str = OTHER) -> str:
    """`value`, if it is known."""
    return value if isinstance(value, str) and value in known else otherwise


def one_of_few(text: str) -> str:
    """A text of which there is one at a time, of bearable length and without control characters."""
    return "".join(one if one.isprintable() else "?" for one in text[:TEXT_LIMIT])


class Methods:
    """The methods of tasks that are known: all that were ever served here, up to a limit."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._known: set[str] = set()
        self.learn(known)

    @property
    def known(self) -> frozenset[str]:
        """All of them."""
        return frozenset(self._known)

    def __bool__(self) -> bool:
        return bool(self._known)

    def learn(self, served: Iterable[str]) -> None:
        """Take in what the daemon serves now."""
        for method in served:
            if len(self._known) < METHODS_LIMIT and _METHOD.fullmatch(str(method)):
                self._known.add(str(method))

    def label(self, method: object) -> str:
        """What a task of `method` is counted as."""
        return bounded(method, self._known)
