"""What the daemon keeps on disk: who it is, and which task processes it has started.

`<state_dir>` (0700) holds `lock` (one daemon a directory), `worker` (a random name, kept for ever), `wake` (the
socket of koji_adjutant.daemon.wakeup), `journal`, and `tasks/<id>.json`, one file for each task process. A task
process writes its own file before it does anything and removes it as the last thing it does: a file that stays
is the mark of a task that has to be cleaned up after. Files are replaced as a whole, and are of use only in the
boot that they were written in.
"""

import fcntl
import json
import logging
import os
import secrets
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any

from koji_adjutant.errors import ConfigError
from koji_adjutant.journal import Journal, Phase

VERSION = 1
DIRECTORY_MODE = 0o700
FILE_MODE = 0o600
REPORTED = frozenset(
    phase.value for phase in (Phase.CLOSED, Phase.FAILED, Phase.REFUSED, Phase.FREED, Phase.CANCELED)
)
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_START_TIME_FIELD = 19
"""Of /proc/<pid>/stat, counted behind the command name."""

logger = logging.getLogger("koji.adjutant.state")


def boot_id() -> str:
    """The name of this boot of the machine."""
    return _BOOT_ID.read_text().strip()


def start_time(pid: int) -> int | None:
    """When a process started, in clock ticks since the boot; None when there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(stat.rpartition(")")[2].split()[_START_TIME_FIELD])


@dataclass(frozen=True, kw_only=True)
class TaskState:
    """One task process, as its file has it."""

    task: int
    method: str
    pid: int
    start_time: int
    workdir: str
    phase: str = ""
    containers: tuple[str, ...] = ()
    boot_id: str = ""
    version: int = VERSION

    @property
    def has_reported(self) -> bool:
        """Whether the hub has been told how the task ended."""
        return self.phase in REPORTED

    def is_alive(self) -> bool:
        """Whether the process that wrote this still runs."""
        return self.boot_id == boot_id() and start_time(self.pid) == self.start_time


class StateDirectory:
    """The directory. Its lock is held until the process ends; children do not inherit it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: IO[bytes] | None = None

    @property
    def wake(self) -> Path:
        """The wake-up socket."""
        return self.path / "wake"

    @property
    def journal(self) -> Path:
        """The journal."""
        return self.path / "journal"

    def lock(self) -> None:
        """Make the directory and keep others out. To be called again by a process that goes on after a fork."""
        try:
            for directory in (self.path, self.path / "tasks"):
                directory.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
                directory.chmod(DIRECTORY_MODE)
            self.unlock()
            # A POSIX lock: forked task processes, which outlive a killed daemon, must not hold it.
            self._lock = open(self.path / "lock", "ab", opener=_private)  # noqa: SIM115
            fcntl.lockf(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(
                f"state_dir {self.path}: another daemon uses it",
                hint="stop it, or give each its own state_dir",
            ) from None
        except OSError as error:
            raise ConfigError(f"state_dir {self.path}: {error.strerror}", hint="set state_dir") from error

    def unlock(self) -> None:
        """Let others in."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def worker(self) -> str:
        """The name of this daemon among all that use an engine; made up once."""
        file = self.path / "worker"
        if not file.exists():
            _write(file, secrets.token_hex(6))
        return file.read_text().strip()

    def begin(self, task: int, method: str, workdir: str) -> TaskState:
        """Write down that the calling process runs `task`."""
        pid = os.getpid()
        state = TaskState(
            task=task,
            method=method,
            pid=pid,
            start_time=start_time(pid) or 0,
            workdir=workdir,
            boot_id=boot_id(),
        )
        self.save(state)
        return state

    def save(self, state: TaskState) -> None:
        """Replace the file of a task."""
        _write(self._file(state.task), json.dumps(asdict(state)))

    def end(self, task: int) -> None:
        """Write down that nothing is left of `task`."""
        self._file(task).unlink(missing_ok=True)

    def find(self, task: int) -> TaskState | None:
        """What is known of `task`."""
        return _read(self._file(task))

    def tasks(self) -> Iterator[TaskState]:
        """All task processes that have not ended in order."""
        for file in sorted((self.path / "tasks").glob("*.json")):
            state = _read(file)
            if state is not None:
                yield state

    def _file(self, task: int) -> Path:
        return self.path / "tasks" / f"{task}.json"


class TaskJournal:
    """The journal of a task process, all of its threads: events also go to the task's state file."""

    def __init__(self, journal: Journal, directory: StateDirectory, state: TaskState) -> None:
        self._journal = journal
        self._directory = directory
        self._state = state
        self._writing = threading.Lock()

    def record(
        self, phase: Phase, *, task: int | None = None, container: str = "", **details: object
    ) -> None:
        """Report that `task` has reached `phase`."""
        self._journal.record(phase, task=task, container=container, **details)
        with self._writing:
            self._note(phase, container)

    def _note(self, phase: Phase, container: str) -> None:
        containers = self._state.containers
        if phase is Phase.CONTAINER_CREATED:
            containers = (*containers, container)
        elif phase is Phase.CONTAINER_REMOVED:
            containers = tuple(known for known in containers if known != container)
        self._state = replace(self._state, phase=phase.value, containers=containers)
        try:
            self._directory.save(self._state)
        except OSError as error:
            logger.warning("state of task %s not written: %s", self._state.task, error)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, FILE_MODE)


def _write(file: Path, content: str) -> None:
    new = file.with_suffix(f".{os.getpid()}.new")
    with open(new, "w", opener=_private) as stream:
        stream.write(content + "\n")
    new.rename(file)


def _read(file: Path) -> TaskState | None:
    try:
        data: dict[str, Any] = json.loads(file.read_text())
        return TaskState(**{**data, "containers": tuple(data["containers"])})
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        # Of another version, or cut short by a full disk: the sweep by label does not need it.
        logger.warning("%s is not understood and removed: %s", file, error)
        file.unlink(missing_ok=True)
        return None
