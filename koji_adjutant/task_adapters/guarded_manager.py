"""What happens to the containers of a task from outside, around the engine: told from what they do themselves.

A container that somebody killed or removed, or whose engine ran out of space, has not failed the package: the context
`told` says TaskInterrupted, or EngineBroken, instead of what it looked like. What the task itself ends is known by
passing through here, so this is the layer next to the engine. Lives as long as its task.
"""

import errno
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from koji_adjutant.buildroot.settings import HOME
from koji_adjutant.config import Config
from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerInfo, ContainerManager, ContainerSpec, LogSink, Stream
from koji_adjutant.container.labels import Role
from koji_adjutant.disks import LEAST_BYTES, SAID_BY_PROGRAMS, empty, interrupted, is_full, written_by
from koji_adjutant.errors import (
    AdjutantError,
    BuildFailed,
    EngineBroken,
    EngineError,
    EngineUnavailable,
    TaskFault,
    TaskInterrupted,
    TaskTimeout,
)
from koji_adjutant.task_adapters.answer import Answer
from koji_adjutant.task_adapters.interruptions import was_interrupted
from koji_adjutant.task_adapters.room_watch import RoomWatch

SCRIPT = Path(__file__).with_name("scripts") / "room.sh"
SCRIPT_TEXT = SCRIPT.read_text()
KILLED = 137
NOT_FOUND = 404
ROOM_AGAIN = "a command of the build found the disk full, which has room again"
WANT_OF_MEMORY = b"processes for want of memory"
"""In what install.sh says when the kernel has ended rpm."""
TAIL = 200
HARDLY = 0.9
"""A quota counts directories and half blocks, too."""
NEVER_STARTED = frozenset({"created", "initialized", "configured"})
WHO = "see in the journal of this host who ended it (podman kill, rm or stop; or the kernel, for want of memory)"

logger = logging.getLogger(__name__)


class GuardedManager:
    """See the module; what it does not define is the engine's."""

    def __init__(self, engine: ContainerManager, config: Config) -> None:
        self._engine = engine
        self._config = config
        self._ended_by_us: set[str] = set()
        self._without_room: set[str] = set()
        """Containers in which a command has said that the disk is full, or during which it was."""
        self._interruption: EngineUnavailable | None = None
        self._bomb: BuildFailed | None = None
        self._uppers: dict[str, Path] = {}
        """Where the engine keeps what containers that were looked at have written."""

    @property
    def manager(self) -> ContainerManager:
        """This, by its type: most of it is there by `__getattr__` alone."""
        return cast("ContainerManager", self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    @contextmanager
    def told(self) -> Iterator[None]:
        """What fails in this context because of something from outside says so."""
        try:
            yield
        except (TaskFault, EngineError) as error:
            if self._interruption is None:
                raise
            raise self._interruption from error
        except (TaskInterrupted, EngineBroken) as error:
            if self._bomb is None:
                raise
            raise self._bomb from error

    # What ends containers

    def kill(self, container: str) -> None:
        self._ended_by_us.add(container)
        self._engine.kill(container)

    def exec(self, container: str, argv: Sequence[str], sink: LogSink, **options: Any) -> int:
        watch, room = _OutputWatch(sink), RoomWatch(lambda: self._upper_of(container))
        try:
            with room:
                return self._engine.exec(container, argv, watch, **options)
        except TaskTimeout:
            self._ended_by_us.add(container)
            raise
        finally:
            if watch.has_seen or room.was_full:
                self._without_room.add(container)

    # What containers are for

    @contextmanager
    def created(self, spec: ContainerSpec) -> Iterator[str]:
        with self._engine.created(spec) as container:
            if spec.labels.get(labels.ROLE) != Role.BUILD:
                yield container
                return
            try:
                yield container
            except (TaskFault, EngineError):
                self._look_at(container, spec)
                self._give_back(container)
                raise
            except (TaskInterrupted, EngineBroken):
                self._look_for_bomb(container, spec)
                self._give_back(container)
                raise

    @contextmanager
    def running(self, spec: ContainerSpec) -> Iterator[str]:
        with self.created(spec) as container:
            self._engine.start(container)
            yield container

    def run(self, spec: ContainerSpec, sink: LogSink, *, timeout: float | None = None) -> int:
        role = spec.labels.get(labels.ROLE, "")
        watch, ended_before = _OutputWatch(sink), len(self._ended_by_us)
        try:
            code = self._engine.run(spec, watch, timeout=timeout)
        except EngineError as error:
            if error.status == NOT_FOUND:
                raise TaskInterrupted(
                    f"the {role} container was removed while it worked", hint=WHO
                ) from error
            raise
        # A full disk ends all that fills it: what was killed meanwhile is not known by its id here.
        is_ours = len(self._ended_by_us) > ended_before
        if code == KILLED and not is_ours and not self._wants_memory(role, spec, watch):
            raise TaskInterrupted(_killed(role), hint=WHO)
        if code and watch.has_seen:
            self._no_room(role, spec)
        return code

    def _wants_memory(self, role: str, spec: ContainerSpec, said: "_OutputWatch") -> bool:
        """Whether to put it down to the limit that a container was killed. Not every engine tells: when it says so
        itself, or the second time."""
        if spec.limits.memory_bytes is None:
            return False
        return said.has_lacked_memory or self._was_told(spec, _killed(role))

    def _was_told(self, spec: ContainerSpec, reason: str) -> bool:
        return was_interrupted(self._config, spec.labels.get(labels.TASK, ""), reason)

    def _no_room(self, role: str, spec: ContainerSpec) -> None:
        if role in (Role.SOLVER, Role.TOOL):
            raise interrupted(self._config, OSError(errno.ENOSPC, f"no space left for the {role} container"))
        if spec.limits.disk_bytes is None:
            self._interruption = _full_engine("packages were installed")

    # What became of them

    def _look_at(self, container: str, spec: ContainerSpec) -> None:
        if container in self._ended_by_us or self._interruption is not None:
            return
        try:
            found = self._inspect(container)
            if found is None:
                reason = "was removed"
            elif found.state == "running":
                if not self._is_full_here(container, spec):
                    self._look_for_room(container, spec)
                return
            elif found.state in NEVER_STARTED:
                return
            else:
                reason = f"was ended from outside (it is {found.state}, status {found.exit_code})"
        except EngineBroken as error:
            # It is too full even for the question who has filled it.
            self._interruption = TaskInterrupted(error.message, hint=error.hint)
            return
        except EngineUnavailable as error:
            # Who has ended what the task does may have ended the engine.
            self._interruption = error
            return
        except AdjutantError as error:
            logger.warning("what became of container %s is not known: %s", container[:12], error)
            return
        self._interruption = TaskInterrupted(
            f"the build container {container[:12]} {reason} while the task worked in it", hint=WHO
        )

    def _look_for_room(self, container: str, spec: ContainerSpec) -> None:
        """A build that found the engine's disk full, and had not written what it may, has not failed."""
        answer = Answer()
        argv = ("/bin/bash", "-c", SCRIPT_TEXT, SCRIPT.name, HOME)
        self._engine.exec(container, argv, answer, environment={"PATH": "/usr/bin:/bin"}, timeout=60.0)
        promised = self._promised(spec)
        match answer.text.split():
            case [b"full", written] if written.isdigit() and int(written) << 10 < promised * HARDLY:
                self._interruption = _full_engine(f"the build had written {int(written) >> 10} MB")
            case [] if container in self._without_room and not self._was_told(spec, ROOM_AGAIN):
                # The build may have filled it, and made room itself: that is believed once.
                self._interruption = TaskInterrupted(ROOM_AGAIN, hint="see df, or raise minspace")

    def _is_full_here(self, container: str, spec: ContainerSpec) -> bool:
        """Whether it can be seen from here that there is no room: nobody has to be asked then whose fault it is."""
        upper, promised = self._uppers.get(container), self._promised(spec)
        if upper is None or not is_full(upper):
            return False
        if (written := _written(upper, promised)) < promised * HARDLY:
            self._interruption = _full_engine(f"the build had written {written >> 20} MB")
        return True

    def _inspect(self, container: str) -> ContainerInfo | None:
        found = self._engine.inspect(container)
        if found is not None and found.upper_dir:
            self._uppers[container] = Path(found.upper_dir)
        return found

    def _upper_of(self, container: str) -> Path | None:
        if container not in self._uppers:
            self._inspect(container)
        return self._uppers.get(container)

    def _give_back(self, container: str) -> None:
        """Empty a container that is to go. An engine without room forgets it, and keeps its layer for ever."""
        upper = self._uppers.get(container)
        if upper is None or not is_full(upper):
            return
        try:
            self.kill(container)
        except AdjutantError as error:
            logger.warning("container %s stays as it is: %s", container[:12], error)
            return
        logger.warning("the engine's storage is full: container %s is emptied", container[:12])
        empty(upper)

    def _promised(self, spec: ContainerSpec) -> int:
        """Bytes that a build may write: what its tag says, or what the operator keeps free for it."""
        return spec.limits.disk_bytes or max(self._config.minspace << 20, LEAST_BYTES)

    def _look_for_bomb(self, container: str, spec: ContainerSpec) -> None:
        """Of a build that has filled it to the last byte, an engine does not even know that it has ended.

        No command can be run there either: what was written is counted where the engine keeps it, if that is here.
        """
        try:
            self._inspect(container)
        except AdjutantError as error:
            logger.warning("what container %s has written is not known: %s", container[:12], error)
        upper, promised = self._uppers.get(container), self._promised(spec)
        if (
            upper is not None
            and is_full(upper)
            and (written := _written(upper, promised)) >= promised * HARDLY
        ):
            self._bomb = BuildFailed(
                "error building package; the build has filled the engine's storage",
                hint=f"it wrote {written >> 20} MB or more; {promised >> 20} MB are for a build (minspace, build_disk)",
            )


def _written(upper: Path, enough: int) -> int:
    """Bytes that the build user has written to a root."""
    home = Path(f"{upper}{HOME}")
    return written_by(home.stat().st_uid, upper, enough) if home.is_dir() else 0


def _killed(role: str) -> str:
    return f"the {role} container was killed while it worked"


def _full_engine(when: str) -> EngineBroken:
    return EngineBroken(
        f"the engine's storage became full when {when}",
        hint="make room there (podman system df, koji-adjutant buildroots prune), or raise minspace",
    )


class _OutputWatch:
    """Passes output on, and notes whether it speaks of a full disk, or of too little memory."""

    def __init__(self, sink: LogSink) -> None:
        self.has_seen = self.has_lacked_memory = False
        self._sink = sink
        self._tail = b""

    def write(self, stream: Stream, data: bytes) -> None:
        self._sink.write(stream, data)
        text, self._tail = self._tail + data, data[-TAIL:]
        self.has_seen = self.has_seen or SAID_BY_PROGRAMS.search(text) is not None
        self.has_lacked_memory = self.has_lacked_memory or WANT_OF_MEMORY in text
