"""What the daemon keeps on disk: who it is, and which task processes it has started.

`<state_dir>`, of which koji_adjutant.daemon.public.directory opens a part to a group, holds `lock` (one daemon a
directory), `main` (who has it), `worker` (a random name, kept for ever), `wake` (the socket of
koji_adjutant.daemon.wakeup), `readiness.json` (koji_adjutant.daemon.readiness), `session` and `tasks/<id>.session`
(koji_adjutant.daemon.sessions), `journal`, `public` (koji_adjutant.journal.public), `plugins`
(koji_adjutant.plugins.record), `machines` (koji_adjutant.host.machines), and `tasks/<id>.json`, one file for each task
process. A task process writes its own file before it does anything and removes it as the last thing it does: a file
that stays is the mark of a task that has to be cleaned up after. What the files say is koji_adjutant.journal.state's.
"""

import fcntl
import json
import logging
import os
import secrets
import threading
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO

from koji_adjutant.errors import ConfigError
from koji_adjutant.host.disks import unusable
from koji_adjutant.host.files import remove_partial
from koji_adjutant.journal.phases import EventName, Journal, Phase
from koji_adjutant.journal.state import (
    JOURNAL,
    MAIN,
    TASKS,
    TaskState,
    UnreadableState,
    read_main,
    read_task,
    task_file,
    this_process,
    write_task,
)

DIRECTORY_MODE = 0o700
FILE_MODE = 0o600

logger = logging.getLogger("koji.adjutant.daemon.tasks")


class StateDirectory:
    """The directory. Its lock is held until the process ends; children do not inherit it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: IO[bytes] | None = None
        self.is_started_anew = False
        """Whether this very process had the lock last, and has replaced its program since; known with the lock."""

    @property
    def wake(self) -> Path:
        """The wake-up socket."""
        return self.path / "wake"

    @property
    def journal(self) -> Path:
        """The journal."""
        return self.path / JOURNAL

    def lock(self) -> None:
        """Make the directory and keep others out. To be called again by a process that goes on after a fork."""
        try:
            for directory in (self.path, self.path / TASKS):
                directory.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
            (self.path / TASKS).chmod(DIRECTORY_MODE)
            self.unlock()
            # A POSIX lock: forked task processes, which outlive a killed daemon, must not hold it.
            self._lock = open(self.path / "lock", "ab", opener=_private)  # noqa: SIM115
            fcntl.lockf(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.is_started_anew = self.is_started_anew or read_main(self.path) == this_process()
            _write(self.path / MAIN, json.dumps(asdict(this_process())))
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
        found = read_main(self.path)
        return found is not None and found.is_alive()

    def worker(self) -> str:
        """The name of this daemon among all that use an engine; made up once."""
        file = self.path / "worker"
        if not file.exists():
            _write(file, secrets.token_hex(6))
        return file.read_text().strip()

    def begin(self, task: int, method: str, workdir: str, session: int = 0) -> TaskState:
        """Write down that the calling process runs `task`."""
        state = TaskState(
            task=task, method=method, workdir=workdir, session=session, **asdict(this_process())
        )
        self.save(state)
        return state

    def save(self, state: TaskState) -> None:
        """Replace the file of a task. OSError."""
        write_task(self.path, state)

    def end(self, task: int) -> None:
        """Write down that nothing is left of `task`."""
        for kind in ("session", "asks", "json"):
            self.file(task, kind).unlink(missing_ok=True)

    def knows(self, task: int) -> bool:
        """Whether there is something of `task`, understood or not."""
        return self.file(task).exists()

    def find(self, task: int) -> TaskState | None:
        """What is known of `task`."""
        state = read_task(self.file(task))
        return state if isinstance(state, TaskState) else None

    def tasks(self) -> Iterator[TaskState]:
        """All task processes that have not ended in order."""
        return (state for state in self.all() if isinstance(state, TaskState))

    def all(self) -> Iterator[TaskState | UnreadableState]:
        """The same, and what is not understood."""
        for file in sorted((self.path / TASKS).glob("*.json")):
            state = read_task(file)
            if state is not None:
                yield state

    def remove_partial(self) -> None:
        """Remove, at the start, what killed processes were writing, and what is left of tasks that are over.

        Nobody but tasks writes here then. Later on the sweep finds what is written in halves.
        """
        for directory in (self.path, self.path / TASKS):
            remove_partial(directory)
        for file in self.path.glob("*.new"):
            # Only who has the lock writes here.
            file.unlink(missing_ok=True)
        for file in (self.path / TASKS).glob("[0-9]*.*"):
            if not file.with_suffix(".json").exists():
                file.unlink(missing_ok=True)

    def file(self, task: int, kind: str = "json") -> Path:
        """A file of `task`."""
        return task_file(self.path, task, kind)


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
        self, name: EventName, /, *, task: int | None = None, container: str = "", **details: object
    ) -> None:
        """Report an event of `task`."""
        self._journal.record(name, task=task, container=container, **details)
        if isinstance(name, Phase):
            with self._writing:
                self._note(name, container)

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
