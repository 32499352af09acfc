"""The watch over the root of a build container: counts what comes into it, and stops the build at the limit.

The counting is done in a small container of the task image that sees the engine's directory of what is written to
the root, read-only. It lives from `begin` to `end`, in a thread of the task process. A watch that is lost stops the
build too: a limit that nobody enforces is none. That is no fault of the build's, and said in another way. A file that
was removed and is still open is not seen.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from koji_adjutant.container.interface import (
    ContainerManager,
    ContainerSpec,
    ResourceLimits,
    Stream,
    VolumeMount,
)
from koji_adjutant.errors import AdjutantError, EngineUnavailable, TaskInterrupted
from koji_adjutant.policy.limits import TaskLimits, size_text

SCRIPT = Path(__file__).with_name("scripts") / "measure.py"
SCRIPT_TEXT = SCRIPT.read_text()
"""Read when the daemon starts: a package that is replaced meanwhile is not a running task's business."""
UPPER = "/upper"
LINE_LIMIT = 200
HEAD_START = 0.7
"""Seconds. With the rest between two counts it is less than the two in which a full disk has to be seen."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What is in a root beside its image."""

    bytes: int = 0
    inodes: int = 0

    def beyond(self, base: "Usage") -> "Usage":
        """What came since `base`."""
        return Usage(bytes=max(self.bytes - base.bytes, 0), inodes=max(self.inodes - base.inodes, 0))


class OnFull(Protocol):
    """Stops what fills the disk."""

    def __call__(self) -> None: ...


def watch_spec(*, image: str, upper: str, labels: Mapping[str, str], limits: TaskLimits) -> ContainerSpec:
    """The container that counts. Pure."""
    wanted = (str(limits.build_disk or 0), str(limits.build_inodes or 0))
    return ContainerSpec(
        image=image,
        command=("/usr/bin/python3", "-c", SCRIPT_TEXT, UPPER, *wanted),
        labels=labels,
        environment={"PATH": "/usr/bin:/usr/sbin:/bin:/sbin", "LANG": "C.UTF-8"},
        mounts=(VolumeMount(source=upper, target=UPPER, options=("rbind", "nosuid", "nodev", "noexec")),),
        capabilities=frozenset({"DAC_READ_SEARCH"}),
        limits=ResourceLimits(pids=64),
        label_disable=True,
    )


class DiskWatch:
    """See the module. `problem` is empty until the build was stopped at a limit, `loss` unset until for want of a
    watch."""

    def __init__(
        self,
        *,
        manager: ContainerManager,
        limits: TaskLimits,
        container: str,
        spec: Callable[[str], ContainerSpec],
        on_full: OnFull,
    ) -> None:
        """`spec` makes the counting container for a directory of the engine."""
        self.problem = ""
        self.loss: EngineUnavailable | None = None
        self._manager = manager
        self._limits = limits
        self._watched = container
        self._spec = spec
        self._on_full = on_full
        self._base = Usage()
        self._seen = Usage()
        self._complete_since: float | None = None
        self._partial = b""
        self._own = ""
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Start to count soon, unless it has begun: what is over in a moment fills no disk."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="disk watch", daemon=True)
            self._thread.start()

    @property
    def has_stopped(self) -> bool:
        """Whether the build was ended here."""
        return bool(self.problem or self.loss)

    def root_is_complete(self) -> None:
        """What was installed into the root is no business of the limit: what comes from here on is counted."""
        self._complete_since = time.monotonic()

    def end(self) -> None:
        """Stop to count; nothing of it is left afterwards."""
        with self._lock:
            self._ended.set()
            own = self._own
        if own:
            self._manager.kill(own)
        if self._thread is not None:
            self._thread.join()

    def write(self, stream: Stream, data: bytes) -> None:
        """Take the lines of the counting container."""
        if stream == "stderr":
            logger.warning("disk watch: %s", data[:LINE_LIMIT].decode(errors="replace").strip())
            return
        *lines, rest = (self._partial + data).split(b"\n")
        self._partial = rest[:LINE_LIMIT]
        for line in lines:
            began, size, inodes = line.split()
            self._take(float(began), Usage(bytes=int(size), inodes=int(inodes)))

    def _take(self, began: float, seen: Usage) -> None:
        self._seen = seen
        if self._complete_since is not None:
            if began < self._complete_since:
                return
            self._base, self._complete_since = seen, None
        problem = exceeded(seen.beyond(self._base), self._limits)
        if problem:
            self.problem = self.problem or problem
            # Each time: something may have been started since.
            self._on_full()

    def _watch(self) -> None:
        if self._ended.wait(HEAD_START):
            return
        try:
            found = self._manager.inspect(self._watched)
            if found is None or not found.upper_dir:
                self._lost("the engine does not say where it keeps what is written")
                return
            with self._manager.created(self._spec(found.upper_dir)) as own:
                with self._lock:
                    if self._ended.is_set():
                        return
                    self._own = own
                # What is killed before it has started ends with its first line.
                self._manager.start_attached(own, self, self._ended.is_set)
            self._lost("the counting ended")
        except EngineUnavailable as error:
            self._lose(error)
        except AdjutantError as error:
            self._lost(str(error))

    def _lost(self, reason: str) -> None:
        self._lose(
            TaskInterrupted(
                f"the disk of a build cannot be watched, which build_disk asks for: {reason}",
                hint="see the journal of the podman service, or take build_disk out of the limits",
            )
        )

    def _lose(self, loss: EngineUnavailable) -> None:
        if self._ended.is_set() or self.has_stopped:
            return
        self.loss = loss
        try:
            self._on_full()
        except AdjutantError as error:
            logger.warning("disk watch: %s", error)


def exceeded(usage: Usage, limits: TaskLimits) -> str:
    """Which limit was reached, and what to raise; empty when none was. Pure."""
    if limits.build_disk is not None and usage.bytes > limits.build_disk:
        return (
            f"it wrote {size_text(usage.bytes)} to its disk; the limit build_disk is "
            f"{limits.text('build_disk')}: {limits.hint('build_disk')}"
        )
    if limits.build_inodes is not None and usage.inodes > limits.build_inodes:
        return (
            f"it made {usage.inodes} files; the limit build_inodes is "
            f"{limits.text('build_inodes')}: {limits.hint('build_inodes')}"
        )
    return ""
