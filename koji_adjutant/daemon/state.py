"""What the daemon keeps on disk: who it is, and which task processes it has started.

`<state_dir>` (0700) holds `lock` (one daemon a directory), `main` (who has it), `worker` (a random name, kept for
ever), `wake` (the socket of koji_adjutant.daemon.wakeup), `session` and `tasks/<id>.session`
(koji_adjutant.daemon.sessions), `journal`, and `tasks/<id>.json`, one file for each task process. A task process
writes its own file before it does anything and removes it as the last thing it does: a file that stays is the mark of
a task that has to be cleaned up after. Files are replaced as a whole, and are of use only in the boot that they were
written in.

Each file has the version of its format. This version and the one before are read. `pid`, `start_time` and `boot_id`
mean the same in every version, past and future: by them the writer of a file that is not understood is ended.
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

from koji_adjutant.disks import unusable
from koji_adjutant.errors import ConfigError
from koji_adjutant.files import remove_partial, replace_json
from koji_adjutant.journal import Journal, Phase

VERSION = 2
READABLE = (1, VERSION)
DIRECTORY_MODE = 0o700
FILE_MODE = 0o600
REPORTED = frozenset(
    phase.value for phase in (Phase.CLOSED, Phase.FAILED, Phase.REFUSED, Phase.FREED, Phase.CANCELED)
)
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_DEAD = frozenset("ZX")
_NAME = {"pid": int, "start_time": int, "boot_id": str}
_START_TIME_FIELD = 19
"""Of /proc/<pid>/stat, counted behind the command name."""

logger = logging.getLogger("koji.adjutant.state")


def boot_id() -> str:
    """The name of this boot of the machine."""
    return _BOOT_ID.read_text().strip()


def start_time(pid: int) -> int | None:
    """When a process started, in clock ticks since the boot; None when there is none, or it is dead."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in _DEAD else int(fields[_START_TIME_FIELD])


@dataclass(frozen=True, kw_only=True)
class ProcessName:
    """What names one process and no other, before or after."""

    pid: int
    start_time: int
    boot_id: str

    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self.pid > 0 and self.boot_id == boot_id() and start_time(self.pid) == self.start_time


def _this_process() -> ProcessName:
    pid = os.getpid()
    return ProcessName(pid=pid, start_time=start_time(pid) or 0, boot_id=boot_id())


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
    session: int = 0
    """The number of the hub session that it began with; since version 2."""
    boot_id: str = ""
    version: int = VERSION

    @property
    def has_reported(self) -> bool:
        """Whether the hub has been told how the task ended."""
        return self.phase in REPORTED

    def is_alive(self) -> bool:
        """Whether the process that wrote this still runs."""
        return ProcessName(pid=self.pid, start_time=self.start_time, boot_id=self.boot_id).is_alive()


@dataclass(frozen=True, kw_only=True)
class Stranger:
    """A file of a version that is not read, or of none. `pid` is 0 when it does not say who wrote it."""

    task: int
    pid: int = 0
    start_time: int = 0
    boot_id: str = ""
    problem: str

    def is_alive(self) -> bool:
        """Whether the process that wrote it still runs, as far as the file says."""
        return ProcessName(pid=self.pid, start_time=self.start_time, boot_id=self.boot_id).is_alive()


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
            _write(self.path / "main", json.dumps(asdict(_this_process())))
        except BlockingIOError:
            raise ConfigError(
                f"state_dir {self.path}: another daemon uses it",
                hint="stop it, or give each its own state_dir",
            ) from None
        except OSError as error:
            raise unusable(f"state_dir {self.path}", error, hint="set state_dir") from error

    def unlock(self) -> None:
        """Let others in."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def has_main(self) -> bool:
        """Whether the main process that took the lock last still runs."""
        try:
            found = ProcessName(**json.loads((self.path / "main").read_text()))
        except (OSError, ValueError, TypeError):
            return False
        return found.is_alive()

    def worker(self) -> str:
        """The name of this daemon among all that use an engine; made up once."""
        file = self.path / "worker"
        if not file.exists():
            _write(file, secrets.token_hex(6))
        return file.read_text().strip()

    def begin(self, task: int, method: str, workdir: str, session: int = 0) -> TaskState:
        """Write down that the calling process runs `task`."""
        state = TaskState(
            task=task, method=method, workdir=workdir, session=session, **asdict(_this_process())
        )
        self.save(state)
        return state

    def save(self, state: TaskState) -> None:
        """Replace the file of a task."""
        replace_json(self.file(state.task), asdict(state))

    def end(self, task: int) -> None:
        """Write down that nothing is left of `task`."""
        for kind in ("session", "asks", "json"):
            self.file(task, kind).unlink(missing_ok=True)

    def knows(self, task: int) -> bool:
        """Whether there is something of `task`, understood or not."""
        return self.file(task).exists()

    def find(self, task: int) -> TaskState | None:
        """What is known of `task`."""
        state = _read(self.file(task))
        return state if isinstance(state, TaskState) else None

    def tasks(self) -> Iterator[TaskState]:
        """All task processes that have not ended in order."""
        return (state for state in self.all() if isinstance(state, TaskState))

    def all(self) -> Iterator[TaskState | Stranger]:
        """The same, and what is not understood."""
        for file in sorted((self.path / "tasks").glob("*.json")):
            state = _read(file)
            if state is not None:
                yield state

    def remove_abandoned(self) -> None:
        """Remove files that killed processes were writing."""
        for directory in (self.path, self.path / "tasks"):
            remove_partial(directory)

    def remove_partial(self) -> None:
        """The same at the start, when nobody but tasks writes here, with what is left of tasks that are over."""
        self.remove_abandoned()
        for file in self.path.glob("*.new"):
            # Only who has the lock writes here.
            file.unlink(missing_ok=True)
        for file in (self.path / "tasks").glob("[0-9]*.*"):
            if not file.with_suffix(".json").exists():
                file.unlink(missing_ok=True)

    def file(self, task: int, kind: str = "json") -> Path:
        """A file of `task`."""
        return self.path / "tasks" / f"{task}.{kind}"


class TaskJournal:
    """The journal of a task process, all of its threads: events also go to the task's state file."""

    def __init__(self, journal: Journal, directory: StateDirectory, state: TaskState) -> None:
        self._journal = journal
        self._directory = directory
        self._state = state
        self._writing = threading.Lock()

    @property
    def containers(self) -> tuple[str, ...]:
        """Those that were made and not removed."""
        return self._state.containers

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
    try:
        with open(new, "w", opener=_private) as stream:
            stream.write(content + "\n")
        new.rename(file)
    except OSError:
        new.unlink(missing_ok=True)
        raise


def _read(file: Path) -> TaskState | Stranger | None:
    data: Any = None
    try:
        data = json.loads(file.read_text())
        if data["version"] not in READABLE:
            raise ValueError(f"version {data['version']}")
        return TaskState(**{**data, "containers": tuple(data["containers"])})
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        return _stranger(file, data, str(error)) if file.stem.isdigit() else None


def _stranger(file: Path, data: Any, problem: str) -> Stranger:
    own: dict[str, Any] = data if isinstance(data, dict) else {}
    known = {name: own.get(name) for name, kind in _NAME.items() if isinstance(own.get(name), kind)}
    name: dict[str, Any] = known if len(known) == len(_NAME) else {}
    return Stranger(task=int(file.stem), problem=problem, **name)
