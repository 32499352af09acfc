"""Room on the disks that a build writes to: how much there is, how much of it the build took, whether it was used up.

`EngineRoom` lives as long as its task. Where the engine's storage is on this machine that is looked at directly;
elsewhere a command in a container is asked, by root where nothing of the build may answer for it.

`RoomWatch` looks, now and then, while a command of the build runs. A program that finds a disk full does not always
say so, and a disk that was full for a moment has room when somebody asks why the build has failed. What the command
prints about a full disk is never believed: it is a reason to look at once. Where the engine keeps what containers
write is asked once, by the watch's own thread: a command that is over at once costs nothing, unless it speaks of a
full disk. The disk of another machine is looked at only then, from inside.
"""

import logging
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from koji_adjutant.config import Config
from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerInfo, Containers, ContainerSpec, Stream
from koji_adjutant.container.labels import Role
from koji_adjutant.container.podman.processes import removed_but_open
from koji_adjutant.container.programs import USER_PATH, HeadSink, bash
from koji_adjutant.errors import AdjutantError, EngineBroken
from koji_adjutant.host.disks import LEAST_BYTES, SAID_BY_PROGRAMS, empty, free_bytes, is_full, written_by

SCRIPT = Path(__file__).with_name("scripts") / "room.sh"
SCRIPT_TEXT = SCRIPT.read_text()
"""Read when the daemon starts: a package that is replaced meanwhile is not a running task's business."""
ROOT = "0:0"
"""Whose commands in a build container nothing of the build can answer for."""
FREE = ("stat", "-f", "-c", "%S %a", "/")
PATH = {"PATH": USER_PATH}
ANSWER_SECONDS = 60.0
QUOTA_TOLERANCE = 0.9
"""Of what is promised: a quota counts directories and half blocks, too."""
WRITTEN_BY_PROGRAMS = frozenset({"workdir", "cache_dir"})
HEAD_START = 0.5
INTERVAL = 0.1
"""Seconds between two looks: a compiler that finds no room removes at once what it has written so far."""
PAUSE = 0.05
"""Between two looks that a command asks for, which may do so a thousand times a second."""
LOOK_SECONDS = 10.0
"""How long the end of a command waits for a look that it has asked for."""
WANT_OF_MEMORY = b"processes for want of memory"
"""In what install.sh says when the kernel has ended rpm."""
TAIL = 200

logger = logging.getLogger("koji.adjutant.guards")


class EngineRoom:
    """The room of an engine for one task. `home` is the build user's, in every root."""

    def __init__(self, containers: Containers, config: Config, *, home: str) -> None:
        self._containers = containers
        self._config = config
        self._home = home
        self._uppers: dict[str, Path] = {}
        """Where the engine keeps what containers that were looked at have written."""

    def inspect(self, container: str) -> ContainerInfo | None:
        """What the engine says of a container; where it writes is remembered."""
        found = self._containers.inspect(container)
        if found is not None and found.upper_dir:
            self._uppers[container] = Path(found.upper_dir)
        return found

    def upper_of(self, container: str) -> Path | None:
        """Where a container writes, if that is on this machine."""
        if container not in self._uppers:
            self.inspect(container)
        upper = self._uppers.get(container)
        return upper if upper is not None and free_bytes(upper) is not None else None

    def own_places(self) -> tuple[Path, ...]:
        """Where the daemon's own programs write to, beside the engine's storage."""
        return tuple(disk.path for disk in self._config.disks if disk.option in WRITTEN_BY_PROGRAMS)

    def promised(self, spec: ContainerSpec) -> int:
        """Bytes that a build may write: what its tag says, or what the operator keeps free for it."""
        return spec.limits.disk_bytes or self._kept_free()

    def _kept_free(self) -> int:
        return max(self._config.minspace << 20, LEAST_BYTES)

    def keeps_promise(self, written: int, spec: ContainerSpec) -> bool:
        """Whether a build that has written so much had the room that it was promised."""
        return written >= self.promised(spec) * QUOTA_TOLERANCE

    def lacks(self, spec: ContainerSpec, upper: Path | None, places: tuple[Path, ...]) -> bool:
        """Whether there is less room than the operator keeps free for a task where a container of `spec` writes to:
        `upper`, if that is on this machine, and `places`.

        Of what found no room, nothing may be left by now.
        """
        wanted = self._kept_free()
        free = [free_bytes(upper) if upper is not None else self._free_in_another(spec)]
        free += [free_bytes(place) for place in places]
        return any(one is not None and one < wanted for one in free)

    def _free_in_another(self, spec: ContainerSpec) -> int:
        """Bytes that are free in the engine's storage, as a container that does nothing else finds it."""
        answer = HeadSink()
        look = ContainerSpec(
            image=spec.image,
            command=FREE,
            labels={**spec.labels, labels.ROLE: Role.TOOL.value},
            environment=PATH,
        )
        try:
            self._containers.run(look, answer, timeout=ANSWER_SECONDS)
        except EngineBroken:
            return 0
        return _free_in(answer)

    def is_full_inside(self, container: str) -> bool:
        """Whether a command in a running container finds no room."""
        answer = HeadSink()
        self._containers.exec(container, FREE, answer, environment=PATH, user=ROOT, timeout=ANSWER_SECONDS)
        return _free_in(answer) < LEAST_BYTES

    def written_inside(self, container: str) -> int | None:
        """Bytes that a build has written, by the word of a command of its own user's, who alone can see them all."""
        answer = HeadSink()
        argv = bash(SCRIPT_TEXT, SCRIPT.name, self._home)
        self._containers.exec(container, argv, answer, environment=PATH, timeout=ANSWER_SECONDS)
        word, _, number = answer.data.strip().partition(b" ")
        return int(number) << 10 if word == b"written" and number.isdigit() else None

    def is_full_here(self, container: str) -> bool:
        """Whether it can be seen from here that a container that was looked at finds no room."""
        upper = self._uppers.get(container)
        return upper is not None and is_full(upper)

    def written_here(self, container: str, spec: ContainerSpec) -> int:
        """Bytes that the build user has written to a root of this machine, counted as far as is promised, and what it
        has removed and still holds open."""
        upper = self._uppers[container]
        home = Path(f"{upper}{self._home}")
        found = written_by(home.stat().st_uid, upper, self.promised(spec)) if home.is_dir() else 0
        return found + removed_but_open(container)

    def give_back(self, container: str) -> None:
        """Empty a container that was killed, and is to go: an engine without room forgets it, and keeps its layer for
        ever."""
        logger.warning("the engine's storage is full: container %s is emptied", container[:12])
        empty(self._uppers[container])


def _free_in(answer: HeadSink) -> int:
    """What `FREE` has said; all there is when it has said nothing of the kind."""
    size, _, blocks = answer.data.strip().partition(b" ")
    return int(size) * int(blocks) if size.isdigit() and blocks.isdigit() else sys.maxsize


class RoomWatch:
    """A context: looks until it is left. `find` says where to look, nowhere if that is not on this machine; then
    `is_full_inside` is asked, when the command has spoken of a full disk."""

    def __init__(
        self,
        find: Callable[[], Sequence[Path]],
        interval: float = INTERVAL,
        *,
        head_start: float = HEAD_START,
        is_full_inside: Callable[[], bool] = lambda: False,
    ) -> None:
        self.was_full = False
        self._find = find
        self._is_full_inside = is_full_inside
        self._interval = interval
        self._head_start = head_start
        self._lock = threading.Lock()
        self._is_over = self._is_asked = self._has_ended = False
        self._wake, self._looked = threading.Event(), threading.Event()
        self._looked.set()

    def __enter__(self) -> Self:
        # Nobody waits for it, unless it is asked: an engine may be slow to answer.
        threading.Thread(target=self._run, name="room", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._is_over = True
        self._wake.set()
        self._looked.wait(LOOK_SECONDS)

    def ask(self) -> None:
        """Look at once: the command has spoken of a full disk."""
        with self._lock:
            if self._is_asked or self._has_ended:
                return
            self._is_asked = True
            self._looked.clear()
        self._wake.set()

    def _run(self) -> None:
        try:
            self._wake.wait(self._head_start)
            if self._is_wanted():
                self._look_on(self._find())
        except AdjutantError:
            # What became of the container is asked, and told, when its command has failed.
            return
        finally:
            with self._lock:
                self._has_ended = True
            self._looked.set()

    def _is_wanted(self) -> bool:
        """Whether the command runs, or has asked before it ended."""
        with self._lock:
            return self._is_asked or not self._is_over

    def _look_on(self, places: Sequence[Path]) -> None:
        while not self.was_full:
            self._wake.clear()
            if not self._is_wanted():
                return
            self._look(places)
            self._wake.wait(self._interval if places else None)
            if not self._is_over:
                time.sleep(PAUSE)

    def _look(self, places: Sequence[Path]) -> None:
        with self._lock:
            is_asked, self._is_asked = self._is_asked, False
        if places:
            self.was_full = any(is_full(place) for place in places)
        elif is_asked:
            self.was_full = self._is_full_inside()
        with self._lock:
            if not self._is_asked:
                self._looked.set()


class OutputWatch:
    """A sink that tells when a command speaks of a full disk, and notes whether it does of too little memory.

    It is never proof of anything where code of packages may have said it.
    """

    def __init__(self, on_full: Callable[[], None]) -> None:
        self.has_seen = self.has_lacked_memory = False
        self._on_full = on_full
        self._tail = b""

    def write(self, stream: Stream, data: bytes) -> None:  # noqa: ARG002 - it may say so on either
        """Read one piece of output."""
        text, self._tail = self._tail + data, data[-TAIL:]
        if SAID_BY_PROGRAMS.search(text):
            self.has_seen = True
            self._on_full()
        self.has_lacked_memory = self.has_lacked_memory or WANT_OF_MEMORY in text
