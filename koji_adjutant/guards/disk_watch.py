"""The watch over the root of a build container: counts what comes into it, and stops the build at the limit.

The counting is done in a small container of the task image that sees the engine's directory of what is written to
the root, read-only. It lives from `begin` to `end`, in a thread of the task process. A counting that dies is said and
begun again at once; one that cannot be, or whatever else ends the thread, stops the build: a limit that nobody enforces
is none. That is no fault of the build's, and said in another way. Stopping is tried until it succeeds. A file that was
removed and is still open is seen where the processes of the build are: on this machine.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from koji_adjutant.container.interface import (
    Containers,
    ContainerSpec,
    ResourceLimits,
    Stream,
    VolumeMount,
)
from koji_adjutant.container.podman.processes import removed_but_open
from koji_adjutant.container.programs import ROOT_PATH
from koji_adjutant.errors import AdjutantError, EngineUnavailable, Problem, TaskInterrupted
from koji_adjutant.policy.containers import TaskLimits, size_text

SCRIPT = Path(__file__).with_name("scripts") / "measure.py"
SCRIPT_TEXT = SCRIPT.read_text()
"""Read when the daemon starts: a package that is replaced meanwhile is not a running task's business."""
UPPER = "/upper"
LINE_LIMIT = 200
HEAD_START = 0.7
"""Seconds. With the rest between two counts it is less than the two in which a full disk has to be seen."""
RESTARTS = 3
"""How often in a row a counting that comes to nothing is begun again."""
RESTART_SECONDS = STOP_SECONDS = 0.5
END_SECONDS = 60.0
"""How long the end of a watch waits for its thread: an engine may be slow to answer."""

logger = logging.getLogger("koji.adjutant.guards")


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
        environment={"PATH": ROOT_PATH, "LANG": "C.UTF-8"},
        mounts=(VolumeMount(source=upper, target=UPPER, options=("rbind", "nosuid", "nodev", "noexec")),),
        capabilities=frozenset({"DAC_READ_SEARCH"}),
        limits=ResourceLimits(pids=64),
        label_disable=True,
    )


class DiskWatch:
    """Counts what a build has written, and stops the build at a limit, or when nobody can count any more.

    `problem` is set once a limit was reached, `loss` once the build was stopped for want of a watch.
    """

    def __init__(
        self,
        *,
        containers: Containers,
        limits: TaskLimits,
        container: str,
        spec: Callable[[str], ContainerSpec],
        on_full: OnFull,
    ) -> None:
        """`spec` makes the counting container for a directory of the engine."""
        self.problem: Problem | None = None
        self.loss: EngineUnavailable | None = None
        self._containers = containers
        self._limits = limits
        self._watched = container
        self._spec = spec
        self._on_full = on_full
        self._base = Usage()
        self._seen = Usage()
        self._written = Usage()
        """By the build, before the root was changed last."""
        self._counts = 0
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

    def root_will_change(self) -> None:
        """Packages are about to be installed into the root: what the build wrote before stays counted."""
        if self._complete_since is None:
            self._written = self._seen.beyond(self._base)

    def root_is_complete(self) -> None:
        """What was installed into the root is no business of the limit."""
        self._complete_since = time.monotonic()

    def end(self) -> None:
        """Stop to count; nothing of it is left afterwards. What has failed by now is not hidden by what fails here."""
        with self._lock:
            self._ended.set()
            own = self._own
        try:
            if own:
                self._containers.kill(own)
        except AdjutantError as error:
            # It ends with its next line, or by the sweep.
            logger.warning("the disk watch of container %s is not ended: %s", self._watched[:12], error)
        if self._thread is not None:
            self._thread.join(END_SECONDS)

    def write(self, stream: Stream, data: bytes) -> None:
        """Take the lines of the counting container."""
        if stream == "stderr":
            logger.warning("disk watch: %s", data[:LINE_LIMIT].decode(errors="replace").strip())
            return
        *lines, rest = (self._partial + data).split(b"\n")
        self._partial = rest[:LINE_LIMIT]
        for line in lines:
            self._take_line(line)

    def _take_line(self, line: bytes) -> None:
        try:
            began, size, inodes = line.split()
            hidden = removed_but_open(self._watched)
            self._take(float(began), Usage(bytes=int(size) + hidden, inodes=int(inodes)))
        except ValueError as error:
            raise self._lost(f"the counting said {line[:LINE_LIMIT]!r}") from error

    def _take(self, began: float, seen: Usage) -> None:
        self._seen = seen
        self._counts += 1
        if self._complete_since is not None:
            if began < self._complete_since:
                return
            self._base, self._complete_since = seen.beyond(self._written), None
        problem = exceeded(seen.beyond(self._base), self._limits)
        if problem:
            self.problem = self.problem or problem
            # Each time: something may have been started since.
            self._stop()

    def _watch(self) -> None:
        try:
            if not self._ended.wait(HEAD_START):
                self._count_on()
        finally:
            # Whatever has ended it: nobody watches any more.
            if not self._ended.is_set():
                self._lose(self._lost("its thread has ended"))

    def _count_on(self) -> None:
        """Count until the end, in one container after another; see to it that a build at its limit stops."""
        failures = 0
        while not self._ended.is_set() and not self.has_stopped:
            counts = self._counts
            loss = self._count()
            failures = 0 if self._counts > counts else failures + 1
            if self._ended.is_set() or self.has_stopped:
                break
            if failures > RESTARTS or not isinstance(loss, TaskInterrupted):
                self._lose(loss)
                return
            logger.warning(
                "the disk watch of container %s is begun again: %s", self._watched[:12], loss.message
            )
            self._ended.wait(RESTART_SECONDS if failures > 1 else 0)
        self._stop_at_last()

    def _count(self) -> EngineUnavailable:
        """Count in a container, which ends with the watch; why it has ended."""
        self._partial = b""
        try:
            found = self._containers.inspect(self._watched)
            if found is None or not found.upper_dir:
                return self._lost("the engine does not say where it keeps what is written")
            with self._containers.created(self._spec(found.upper_dir)) as own:
                with self._lock:
                    self._own = own
                    if self._ended.is_set():
                        return self._lost("it is over")
                try:
                    # What is killed before it has started ends with its first line.
                    self._containers.start_attached(own, self, self._ended.is_set)
                finally:
                    with self._lock:
                        self._own = ""
        except EngineUnavailable as error:
            return error
        except AdjutantError as error:
            return self._lost(str(error))
        return self._lost("the counting ended")

    def _lost(self, reason: str) -> TaskInterrupted:
        return TaskInterrupted(
            f"the disk of a build cannot be watched, which build_disk asks for: {reason}",
            hint="see the journal of the podman service, or take build_disk out of the limits",
        )

    def _lose(self, loss: EngineUnavailable) -> None:
        if self._ended.is_set() or self.has_stopped:
            return
        logger.error("container %s is stopped: %s", self._watched[:12], loss)
        self.loss = loss
        self._stop_at_last()

    def _stop(self) -> bool:
        """Stop the build; whether that was done."""
        try:
            self._on_full()
        except AdjutantError as error:
            logger.warning("the build in container %s is not stopped yet: %s", self._watched[:12], error)
            return False
        return True

    def _stop_at_last(self) -> None:
        while not self._ended.is_set() and not self._stop():
            self._ended.wait(STOP_SECONDS)


def exceeded(usage: Usage, limits: TaskLimits) -> Problem | None:
    """Which limit was reached, and what to raise; None when none was. Pure."""
    if limits.build_disk is not None and usage.bytes > limits.build_disk:
        return Problem(
            f"it wrote {size_text(usage.bytes)} to its disk; the limit build_disk is "
            f"{limits.text('build_disk')}: {limits.hint('build_disk')}"
        )
    if limits.build_inodes is not None and usage.inodes > limits.build_inodes:
        return Problem(
            f"it made {usage.inodes} files; the limit build_inodes is "
            f"{limits.text('build_inodes')}: {limits.hint('build_inodes')}"
        )
    return None
