"""What a process has asked of hub and engine: the form of the event `requests`, and the names that it may have.

A process says what has come since it last said so: at its end, and, while it has something to do, about once a minute.
Who adds them up has totals. Names are those of fixed tables: whatever else is
called counts as `other`, so that no plugin and no package makes a name.

| detail | what |
|---|---|
| `hub` | by method of `HUB_METHODS`: requests (a multicall is one), how many of them failed, seconds they all took |
| `hub_retries` | how often a request was made again |
| `engine` | the same by call of `ENGINE_CALLS` |
| `uploaded_bytes` | files, logs not counted |
| `log_uploaded_bytes` | of logs |
| `log_lag_seconds` | the longest that a piece of a log has waited on this host |
| `downloaded_bytes` | of packages and metadata: from the host's own `cache`, over the `network` |

What is nought is left out. To count costs a request some microseconds, and a line of a log nothing.
"""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Protocol

from koji_adjutant.journal.phases import HostEvent, Journal

INTERVAL = 60.0
OTHER = "other"
HUB_METHODS = frozenset(
    {
        "build.commitBuild",
        "cancelTaskChildren",
        "checkUpload",
        "echo",
        "exclusiveSession",
        "getAPIVersion",
        "getAverageBuildDuration",
        "getBuild",
        "getBuildConfig",
        "getBuildTarget",
        "getChangelogEntries",
        "getChannel",
        "getEvent",
        "getExternalRepoList",
        "getFullInheritance",
        "getHost",
        "getKojiVersion",
        "getLastEvent",
        "getLoggedInUser",
        "getPackageConfig",
        "getRepo",
        "getSessionInfo",
        "getTag",
        "getTaskChildren",
        "getTaskInfo",
        "getTaskRequest",
        "getTaskResult",
        "getUser",
        "host.assertPolicy",
        "host.checkPolicy",
        "host.closeTask",
        "host.completeBuild",
        "host.failBuild",
        "host.failTask",
        "host.freeTasks",
        "host.getHost",
        "host.getHostTasks",
        "host.getID",
        "host.getTasks",
        "host.initBuild",
        "host.moveBuildToScratch",
        "host.newBuildRoot",
        "host.openTask",
        "host.refuseTask",
        "host.repoDone",
        "host.repoInit",
        "host.setBuildRootList",
        "host.setBuildRootState",
        "host.setTaskWeight",
        "host.subtask",
        "host.tagBuild",
        "host.tagNotification",
        "host.taskSetWait",
        "host.taskUnwait",
        "host.taskWait",
        "host.taskWaitResults",
        "host.updateBuildRootList",
        "host.updateHost",
        "host.writeSignedRPM",
        "listBuildroots",
        "listBuilds",
        "listChannels",
        "listHosts",
        "listRPMs",
        "listTaggedRPMS",
        "listTags",
        "listTaskOutput",
        "login",
        "logout",
        "logoutChild",
        "multiCall",
        "rawUpload",
        "repo.checkRequest",
        "repo.request",
        "repoInfo",
        "sslLogin",
        "subsession",
        "taskFinished",
    }
)
ENGINE_CALLS = frozenset(
    {
        "container-attach",
        "container-create",
        "container-export",
        "container-inspect",
        "container-kill",
        "container-list",
        "container-logs",
        "container-mount",
        "container-read",
        "container-remove",
        "container-resize",
        "container-start",
        "container-stats",
        "container-wait",
        "container-write",
        "exec-create",
        "exec-inspect",
        "exec-resize",
        "exec-start",
        "image-commit",
        "image-exists",
        "image-inspect",
        "image-list",
        "image-load",
        "image-pull",
        "image-remove",
        "image-tag",
        "image-untag",
        "info",
        "ping",
    }
)


@dataclass(slots=True)
class _Made:
    """Requests of one name."""

    count: int = 0
    errors: int = 0
    seconds: float = 0.0


class RequestCounts:
    """What a process has asked for since it last said so. Any thread may add; a child begins with nothing."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Forget everything. In a child after a fork: another thread may have held the lock of the parent's."""
        self._lock = threading.Lock()
        self._hub: dict[str, _Made] = {}
        self._engine: dict[str, _Made] = {}
        self._downloaded: dict[str, int] = {}
        self._numbers: dict[str, int] = {}
        self._lag = 0.0

    def hub(self, method: str) -> "Timed":
        """A context: a request to the hub for `method`, failed when it is left by an exception."""
        return Timed(self._hub_ended, method if method in HUB_METHODS else OTHER)

    def _hub_ended(self, name: str, seconds: float, *, failed: bool) -> None:
        self._add(self._hub, name, seconds, failed=failed)

    def hub_retried(self) -> None:
        """A request to the hub is made again."""
        self._count("hub_retries", 1)

    def engine(self, call: str, seconds: float, *, failed: bool) -> None:
        """The engine has answered a request, or has not."""
        self._add(self._engine, call if call in ENGINE_CALLS else OTHER, seconds, failed=failed)

    def uploaded(self, size: int) -> None:
        """The hub has a file of so many bytes."""
        self._count("uploaded_bytes", size)

    def log_uploaded(self, size: int) -> None:
        """The hub has so many more bytes of a log."""
        self._count("log_uploaded_bytes", size)

    def log_waited(self, seconds: float) -> None:
        """What was printed so long ago is at the hub."""
        with self._lock:
            self._lag = max(self._lag, seconds)

    def downloaded(self, source: Literal["cache", "network"], size: int) -> None:
        """A package or file of metadata was had, from the host's own cache or over the network."""
        with self._lock:
            self._downloaded[source] = self._downloaded.get(source, 0) + size

    def _add(self, table: dict[str, _Made], name: str, seconds: float, *, failed: bool) -> None:
        with self._lock:
            made = table.setdefault(name, _Made())
            made.count += 1
            made.errors += failed
            made.seconds += seconds

    def _count(self, name: str, number: int) -> None:
        with self._lock:
            self._numbers[name] = self._numbers.get(name, 0) + number

    def say(self, journal: Journal, *, task: int | None = None) -> None:
        """Write an event with what has come, if there is anything, and begin with nothing."""
        details = self._taken()
        if details:
            journal.record(HostEvent.REQUESTS, task=task, **details)

    def _taken(self) -> dict[str, Any]:
        with self._lock:
            found: dict[str, Any] = {
                "hub": _rows(self._hub),
                "engine": _rows(self._engine),
                "downloaded_bytes": self._downloaded,
                "log_lag_seconds": round(self._lag, 3),
                **self._numbers,
            }
            self._hub, self._engine, self._downloaded, self._numbers = {}, {}, {}, {}
            self._lag = 0.0
        return {name: value for name, value in found.items() if value}


class Timed:
    """A context that times itself: cheaper than one that is a generator."""

    __slots__ = ("_began", "_ended", "_name")

    def __init__(self, ended: "Ended", name: str) -> None:
        self._ended = ended
        self._name = name

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended(self._name, time.monotonic() - self._began, failed=kind is not None)


class Ended(Protocol):
    """Is told of a request that has ended."""

    def __call__(self, name: str, seconds: float, *, failed: bool) -> None: ...


def _rows(table: dict[str, _Made]) -> dict[str, list[float]]:
    return {name: [made.count, made.errors, round(made.seconds, 4)] for name, made in table.items()}


class RequestReport:
    """Says now and then what the calling process, which lives on, has asked for; at most each `interval` seconds."""

    def __init__(
        self,
        journal: Journal,
        counts: "RequestCounts",
        *,
        task: int | None = None,
        interval: float = INTERVAL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._journal = journal
        self._counts = counts
        self._task = task
        self._interval = interval
        self._clock = clock
        self._next = clock() + interval

    def say_if_due(self) -> None:
        """Say it, if the last time is long enough ago."""
        now = self._clock()
        if now >= self._next:
            self._next = now + self._interval
            self._counts.say(self._journal, task=self._task)


MADE = RequestCounts()
"""Those of this process: there is one hub, one engine and one journal that it has to do with."""
os.register_at_fork(after_in_child=MADE.begin)
