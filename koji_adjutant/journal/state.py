"""The format of the state files: which task processes there are, which main process, and whether it takes tasks.

The daemon writes them (koji_adjutant.daemon.tasks.state, koji_adjutant.daemon.readiness); whoever may read the state
directory reads them. A file is replaced as a whole and is of use only in the boot that it was written in. Each has the
version of its format. This version and the one before are read. `pid`, `start_time` and `boot_id` mean the same in
every version, past and future: by them the writer of a file that is not understood is known.
"""

import json
import os
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from koji_adjutant.errors import Problem
from koji_adjutant.host.files import boot_id, replace_json
from koji_adjutant.host.processes import start_time
from koji_adjutant.journal.phases import Phase

TASK_VERSION = 2
READABLE_TASKS = (1, TASK_VERSION)
READINESS_VERSION = 2
READABLE_READINESS = (1, READINESS_VERSION)
JOURNAL, TASKS, MAIN, READINESS = "journal", "tasks", "main", "readiness.json"
"""The names of a directory and of files of the state directory."""
REPORTED = frozenset(
    phase.value for phase in (Phase.CLOSED, Phase.FAILED, Phase.REFUSED, Phase.FREED, Phase.CANCELED)
)
_NAME = {"pid": int, "start_time": int, "boot_id": str}


@dataclass(frozen=True, kw_only=True)
class ProcessName:
    """What names one process and no other, before or after."""

    pid: int
    start_time: int
    boot_id: str

    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self.pid > 0 and self.boot_id == boot_id() and start_time(self.pid) == self.start_time


def this_process() -> ProcessName:
    """The calling process."""
    pid = os.getpid()
    return ProcessName(pid=pid, start_time=start_time(pid) or 0, boot_id=boot_id())


def _process_name(data: Any) -> ProcessName:
    """The writer that a file names. TypeError, KeyError."""
    for name, kind in _NAME.items():
        if not isinstance(data[name], kind):
            raise TypeError(name)
    return ProcessName(pid=data["pid"], start_time=data["start_time"], boot_id=data["boot_id"])


# Task processes


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
    version: int = TASK_VERSION

    @property
    def has_reported(self) -> bool:
        """Whether the hub has been told how the task ended."""
        return self.phase in REPORTED

    def is_alive(self) -> bool:
        """Whether the process that wrote this still runs."""
        return ProcessName(pid=self.pid, start_time=self.start_time, boot_id=self.boot_id).is_alive()


@dataclass(frozen=True, kw_only=True)
class UnreadableState:
    """A file of a version that is not read, or of none. `pid` is 0 when it does not say who wrote it."""

    task: int
    pid: int = 0
    start_time: int = 0
    boot_id: str = ""
    problem: str

    def is_alive(self) -> bool:
        """Whether the process that wrote it still runs, as far as the file says."""
        return ProcessName(pid=self.pid, start_time=self.start_time, boot_id=self.boot_id).is_alive()


def task_file(state_dir: Path, task: int, kind: str = "json") -> Path:
    """A file of `task`; its state, unless it is of another kind."""
    return state_dir / TASKS / f"{task}.{kind}"


def write_task(state_dir: Path, state: TaskState) -> None:
    """Replace the file of a task. OSError."""
    replace_json(task_file(state_dir, state.task), asdict(state))


def read_task(file: Path) -> TaskState | UnreadableState | None:
    """What a file says; None when it is not there, or is no task's."""
    data: Any = None
    try:
        data = json.loads(file.read_text())
        if data["version"] not in READABLE_TASKS:
            raise ValueError(f"version {data['version']}")
        return TaskState(**{**data, "containers": tuple(data["containers"])})
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        return _unreadable(file, data, str(error)) if file.stem.isdigit() else None


def _unreadable(file: Path, data: Any, problem: str) -> UnreadableState:
    own: dict[str, Any] = data if isinstance(data, dict) else {}
    known = {name: own.get(name) for name, kind in _NAME.items() if isinstance(own.get(name), kind)}
    name: dict[str, Any] = known if len(known) == len(_NAME) else {}
    return UnreadableState(task=int(file.stem), problem=problem, **name)


# The main process


def read_main(state_dir: Path) -> ProcessName | None:
    """The main process that took the lock last, whether it runs or not; None when none is known."""
    try:
        return _process_name(json.loads((state_dir / MAIN).read_text()))
    except (OSError, ValueError, TypeError, KeyError):
        return None


class Obstacle(StrEnum):
    """The kinds of reasons for which a host takes no tasks: a fixed list, for who counts or compares them."""

    RESTART = "restart"
    """One was asked for, and waits for the tasks that run."""
    DISABLED = "disabled"
    """On the hub."""
    CAPACITY = "capacity"
    """The load of its tasks is above it."""
    MAXJOBS = "maxjobs"
    SPACE = "space"
    """Too little where containers are."""
    LOAD = "load"
    """Of the machine."""
    ENGINE = "engine"
    LEFTOVERS = "leftovers"
    """Of an earlier run, that are not removed yet."""
    DISKS = "disks"
    """One of the daemon's own directories."""
    UNKNOWN = ""
    """A file of version 1 does not say; nor does one of a version to come that has more of them."""


@dataclass(frozen=True, kw_only=True)
class NotReady:
    """Why a host takes no tasks: the kind of it, and one sentence."""

    obstacle: Obstacle
    reason: str


def write_readiness(state_dir: Path, not_ready: NotReady | None) -> None:
    """Say in the name of the calling process whether the host takes tasks. OSError."""
    content = {
        "version": READINESS_VERSION,
        "ready": not_ready is None,
        "obstacle": not_ready.obstacle.value if not_ready else "",
        "reason": not_ready.reason if not_ready else "",
        **asdict(this_process()),
    }
    replace_json(state_dir / READINESS, content)


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """What a main process has said of its host; it holds while that process lives."""

    writer: ProcessName
    not_ready: NotReady | None


def read_readiness(state_dir: Path) -> Readiness | None:
    """What was said last; None when nothing was, or nothing that this version understands."""
    try:
        said = json.loads((state_dir / READINESS).read_text())
        if said["version"] not in READABLE_READINESS:
            return None
        writer = _process_name(said)
        not_ready = NotReady(obstacle=_obstacle(said), reason=str(said["reason"])) if said["reason"] else None
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return Readiness(writer=writer, not_ready=not_ready)


def reason_said(state_dir: Path) -> Problem | None:
    """Why the daemon of a state directory takes no tasks; None when it does, or when none says so."""
    said = read_readiness(state_dir)
    return Problem(said.not_ready.reason) if said and said.not_ready and said.writer.is_alive() else None


def _obstacle(said: dict[str, Any]) -> Obstacle:
    try:
        return Obstacle(said.get("obstacle", ""))
    except ValueError:
        return Obstacle.UNKNOWN
