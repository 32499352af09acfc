"""Tasks that lose what they work with on this host: how that is seen, and that they are handed back, and not for ever.

A task whose container somebody has killed or removed, whose disk is full, or whose engine refuses what it grants all
others, has not failed: it is begun anew, here or on another host. One to which that happens again and again, later each
time, is told so in the end: it may be the reason. The count is a file below the state directory; where even that cannot
be written, nothing is counted.

`InterruptionAware` tells what happens to the containers of a task from outside from what they do themselves: what is
seen of that when something fails goes into the task's evidence. What the task itself ends is known by passing through
here, so this is the layer next to the engine. Code of packages can print what it likes: that a disk is full is believed
when the disk says so. The layer lives as long as its task.
"""

import errno
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path

from koji_adjutant.config import Config
from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerInfo, Containers, ContainerSpec, LogSink
from koji_adjutant.container.labels import Role
from koji_adjutant.container.programs import KILLED, TeeSink
from koji_adjutant.errors import (
    AdjutantError,
    BuildrootFailed,
    EngineBroken,
    EngineError,
    EngineUnavailable,
    TaskFault,
    TaskInterrupted,
    TaskTimeout,
)
from koji_adjutant.guards import diagnose
from koji_adjutant.guards.diagnose import Evidence, diagnosed
from koji_adjutant.guards.disk_room import HEAD_START, EngineRoom, OutputWatch, RoomWatch
from koji_adjutant.guards.layers import ContainersLayer
from koji_adjutant.host.disks import interrupted

MAX_INTERRUPTIONS = 10
"""Times that a host hands a task back for such a reason before it fails."""
AT_ONCE = 3
"""So many of them without waiting for the host to get better."""
LONGEST_PAUSE = 60.0
OWN_PROGRAMS = frozenset({Role.SOLVER, Role.TOOL})
"""They run nothing of a package, and write to the disks of this daemon, too."""
NEVER_STARTED = frozenset({"created", "initialized", "configured"})
SELF_ENDED = frozenset(range(1, 129))
"""Exit codes that PID 1 has of its own; what a signal or a lost monitor gives is another."""

logger = logging.getLogger("koji.adjutant.guards")


# Handed back, and counted


@contextmanager
def interruptions(
    config: Config, task: int, *, sleep: Callable[[float], None] = time.sleep
) -> Iterator[None]:
    """What ends in this context for want of space on this host is a TaskInterrupted, whatever it looked like; so is
    what its engine refused, unless the request itself was wrong.

    BuildrootFailed when the task was interrupted too often.
    """
    try:
        with diagnosed(Evidence(), config.disks):
            yield
    except (TaskInterrupted, EngineBroken) as error:
        counted = _counted(config, task, error, sleep)
        if counted is error:
            raise
        raise counted from error


def interruptions_directory(config: Config) -> Path:
    """Where tasks are counted: a file each, with a line for each time."""
    return config.state_dir / "interrupted"


def _counted(
    config: Config, task: int, error: EngineUnavailable, sleep: Callable[[float], None]
) -> AdjutantError:
    count = _count(interruptions_directory(config) / str(task), error.message)
    if count <= MAX_INTERRUPTIONS:
        if (seconds := pause(count)) > 0:
            logger.warning("task %s was interrupted %d times; it is kept for %g s", task, count, seconds)
            sleep(seconds)
        return error
    return BuildrootFailed(
        f"the task was interrupted {count} times on this host, the last time because {error.message}",
        hint=error.hint,
    )


def pause(count: int) -> float:
    """Seconds before a task is handed back that was interrupted so often. Pure."""
    return min(2.0 ** (count - AT_ONCE), LONGEST_PAUSE) if count > AT_ONCE else 0.0


def was_interrupted(config: Config, task: str, reason: str) -> bool:
    """Whether a task was handed back before for a reason that begins so."""
    try:
        lines = (interruptions_directory(config) / task).read_text().splitlines()
    except OSError:
        return False
    return any(line.startswith(reason) for line in lines)


def _count(file: Path, reason: str) -> int:
    with suppress(OSError):
        file.parent.mkdir(exist_ok=True)
        with file.open("a+") as lines:
            lines.write(" ".join(reason.split()) + "\n")
            lines.flush()
            lines.seek(0)
            return sum(1 for _ in lines)
    return 1


# Seen, around the engine


class InterruptionAware(ContainersLayer):
    """Notes as evidence what is done to a task's containers from outside. `home`: the build user's, in every root."""

    def __init__(self, below: Containers, config: Config, evidence: Evidence, *, home: str) -> None:
        super().__init__(below)
        self._config = config
        self._evidence = evidence
        self._room = EngineRoom(below, config, home=home)
        self._ended_by_us: set[str] = set()
        self._live: set[str] = set()
        """Build containers that are there."""
        self._without_room: set[str] = set()
        """Containers during a command of which the disk was full."""

    # What ends containers

    def kill(self, container: str) -> None:
        self._ended_by_us.add(container)
        self._below.kill(container)

    def exec(
        self,
        container: str,
        argv: Sequence[str],
        sink: LogSink,
        *,
        environment: Mapping[str, str] | None = None,
        user: str = "",
        workdir: str = "",
        stdin: bytes = b"",
        timeout: float | None = None,
    ) -> int:
        room = RoomWatch(
            lambda: _if_there(self._room.upper_of(container)),
            is_full_inside=lambda: self._room.is_full_inside(container),
        )
        try:
            with room:
                return self._below.exec(
                    container,
                    argv,
                    TeeSink(sink, OutputWatch(room.ask)),
                    environment=environment,
                    user=user,
                    workdir=workdir,
                    stdin=stdin,
                    timeout=timeout,
                )
        except TaskTimeout:
            self._ended_by_us.add(container)
            raise
        finally:
            if room.was_full:
                self._without_room.add(container)

    # What containers are for

    @contextmanager
    def created(self, spec: ContainerSpec) -> Iterator[str]:
        with self._below.created(spec) as container:
            if spec.labels.get(labels.ROLE) != Role.BUILD:
                yield container
                return
            self._live.add(container)
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
            finally:
                self._live.discard(container)

    def run(self, spec: ContainerSpec, sink: LogSink, *, timeout: float | None = None) -> int:
        role = spec.labels.get(labels.ROLE, "")
        # An installation is long, and its disk may be full for a second: an engine without room is slow to say where.
        head_start = 0.0 if role == Role.INSTALLER else HEAD_START
        room = RoomWatch(lambda: self._written_by(role), head_start=head_start)
        ended_before = len(self._ended_by_us)
        said = OutputWatch(room.ask)
        try:
            with room:
                code = self._below.run(spec, TeeSink(sink, said), timeout=timeout)
        except EngineError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                raise diagnose.program_removed(role) from error
            raise
        # A full disk ends all that fills it: what was killed meanwhile is not known by its id here.
        is_ours = len(self._ended_by_us) > ended_before
        if code == KILLED and not is_ours and not self._wants_memory(role, spec, said):
            raise diagnose.program_killed(role)
        # What runs nothing of a package need not say so: a library may have another word for it.
        is_said = said.has_seen or (role in OWN_PROGRAMS and room.was_full)
        if code and not is_ours and is_said and (room.was_full or self._lacks_room(role, spec)):
            self._note_no_room(role, spec)
        return code

    def _written_by(self, role: str) -> tuple[Path, ...]:
        """Where a container of that role writes to, on this machine."""
        return (*_if_there(self._any_upper()), *self._own_places(role))

    def _own_places(self, role: str) -> tuple[Path, ...]:
        return self._room.own_places() if role in OWN_PROGRAMS else ()

    def _lacks_room(self, role: str, spec: ContainerSpec) -> bool:
        return self._room.lacks(spec, self._any_upper(), self._own_places(role))

    def _any_upper(self) -> Path | None:
        """A directory of the engine's storage, if that is on this machine and a container of the task is there."""
        for container in tuple(self._live):
            if (upper := self._room.upper_of(container)) is not None:
                return upper
        return None

    def _wants_memory(self, role: str, spec: ContainerSpec, said: OutputWatch) -> bool:
        """Whether to put it down to the limit that a container was killed. Not every engine tells: when it says so
        itself, or the second time."""
        if spec.limits.memory_bytes is None:
            return False
        return said.has_lacked_memory or self._was_told(spec, diagnose.program_killed(role))

    def _was_told(self, spec: ContainerSpec, interruption: TaskInterrupted) -> bool:
        return was_interrupted(self._config, spec.labels.get(labels.TASK, ""), interruption.message)

    def _note_no_room(self, role: str, spec: ContainerSpec) -> None:
        if role in OWN_PROGRAMS:
            raise interrupted(
                self._config.disks, OSError(errno.ENOSPC, f"no space left for the {role} container")
            )
        if spec.limits.disk_bytes is None:
            self._evidence.interruption = diagnose.engine_full("packages were installed")

    # What became of them

    def _look_at(self, container: str, spec: ContainerSpec) -> None:
        if container in self._ended_by_us or self._evidence.interruption is not None:
            return
        try:
            self._evidence.interruption = self._interruption_of(container, spec)
        except EngineBroken as error:
            # It is too full even for the question who has filled it.
            self._evidence.interruption = TaskInterrupted(error.message, hint=error.hint)
        except EngineUnavailable as error:
            # Who has ended what the task does may have ended the engine.
            self._evidence.interruption = error
        except AdjutantError as error:
            logger.warning("what became of container %s is unknown: %s", container[:12], error)

    def _interruption_of(self, container: str, spec: ContainerSpec) -> EngineUnavailable | None:
        found = self._room.inspect(container)
        if found is None:
            return diagnose.container_ended(container, "was removed")
        if found.state == "running":
            return self._want_of_room(container, spec)
        if found.state in NEVER_STARTED or _ended_by_itself(found):
            return None
        how = f"was ended from outside (it is {found.state}, status {found.exit_code})"
        return diagnose.container_ended(container, how)

    def _want_of_room(self, container: str, spec: ContainerSpec) -> EngineUnavailable | None:
        """A build that found the engine's disk full, and had not written what it may, has not failed."""
        room = self._room
        if room.is_full_here(container):
            # Nobody has to be asked then whose fault it is.
            return self._unless_kept(room.written_here(container, spec), spec)
        if room.is_full_inside(container):
            return self._unless_kept(room.written_inside(container), spec)
        if container in self._without_room and not self._was_told(spec, diagnose.room_again()):
            # The build may have filled it, and made room itself: that is believed once.
            return diagnose.room_again()
        return None

    def _unless_kept(self, written: int | None, spec: ContainerSpec) -> EngineUnavailable | None:
        if written is None or self._room.keeps_promise(written, spec):
            return None
        return diagnose.engine_full(f"the build had written {written >> 20} MB")

    def _look_for_bomb(self, container: str, spec: ContainerSpec) -> None:
        """Of a build that has filled it to the last byte, an engine does not even know that it has ended.

        No command can be run there either: what was written is counted where the engine keeps it, if that is here.
        """
        room = self._room
        try:
            room.inspect(container)
        except AdjutantError as error:
            logger.warning("what container %s has written is unknown: %s", container[:12], error)
        if room.is_full_here(container) and room.keeps_promise(
            written := room.written_here(container, spec), spec
        ):
            self._evidence.bomb = diagnose.engine_filled(written, room.promised(spec))

    def _give_back(self, container: str) -> None:
        if not self._room.is_full_here(container):
            return
        try:
            self.kill(container)
        except AdjutantError as error:
            logger.warning("container %s stays as it is: %s", container[:12], error)
            return
        self._room.give_back(container)


def _if_there(place: Path | None) -> tuple[Path, ...]:
    return () if place is None else (place,)


def _ended_by_itself(found: ContainerInfo) -> bool:
    """Whether PID 1 of a build container has ended as no signal ends it: what runs beside it has seen to that."""
    return found.state == "exited" and found.exit_code in SELF_ENDED
