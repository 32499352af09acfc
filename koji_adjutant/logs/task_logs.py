"""The logs of a task: files on disk while it runs, on the hub at most a second after a line is written.

`TaskLogs` lives as long as the task's work: it opens a file a log below the work directory, keeps one uploader
thread (the hub must never get two uploads of a task at once), and `<topdir>/logs/<task id>/container.log`, which
has everything in the order in which it came. Any thread of the task may write. Leaving the context uploads what is
left, also when the task failed. Only bytes on disk are kept, so memory does not grow with a log.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self
from xmlrpc.client import Fault

import koji

from koji_adjutant.config import Config
from koji_adjutant.container.interface import Stream
from koji_adjutant.errors import BuildFailed, TaskCanceled
from koji_adjutant.hub.session import HubSession
from koji_adjutant.journal.phases import Journal, Phase
from koji_adjutant.journal.requests import MADE, RequestReport
from koji_adjutant.journal.shown_task import UNSHOWN, Shown
from koji_adjutant.logs.excerpt import LastWords
from koji_adjutant.logs.upload import GATHER, PAUSE, LogFile, LogUploader, write_all

logger = logging.getLogger("koji.adjutant.logs")


class LoggedTask(Protocol):
    """What TaskLogs needs of a task: its context."""

    @property
    def task_id(self) -> int: ...

    @property
    def session(self) -> HubSession: ...

    @property
    def workdir(self) -> Path: ...

    @property
    def config(self) -> Config: ...

    @property
    def journal(self) -> Journal: ...

    @property
    def last_words(self) -> LastWords: ...


class KojiLogSink:
    """The `LogSink` of one log of a task, for the commands whose output belongs there."""

    def __init__(self, logs: "TaskLogs", file: LogFile) -> None:
        self._logs = logs
        self._file = file

    def write(self, stream: Stream, data: bytes) -> None:  # noqa: ARG002 - both streams make one log, as mock's do
        """Append to the log; BuildFailed when the task's logs are over `log_size_limit`, TaskCanceled when lost."""
        self._logs.append(self._file, data)

    def line(self, text: str) -> None:
        """Append a line of the daemon's own."""
        self.write("stdout", f"{text}\n".encode(errors="surrogateescape"))


class TaskLogs:
    """All logs of a task. `on_lost` is called, from the uploader's thread, when the hub refuses the task's uploads."""

    def __init__(
        self,
        ctx: LoggedTask,
        on_lost: Callable[[], None] = lambda: None,
        *,
        shown: Shown = UNSHOWN,
        gather: float = GATHER,
        pause: float = PAUSE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._ctx = ctx
        self._shown = shown
        self._clock = clock
        self._directory = ctx.workdir / "logs"
        self._files: dict[str, LogFile] = {}
        self._stamps: dict[str, int] = {}
        self._size = 0
        self._writing = threading.RLock()
        """Held while files are written: the task's own thread and others beside it write logs."""
        self._cleanup = ExitStack()
        self._container_log = -1
        self._has_container_log = True
        self._uploader = LogUploader(
            session=ctx.session,
            path=koji.pathinfo.taskrelpath(ctx.task_id),
            on_lost=on_lost,
            on_first=self._first_uploaded,
            on_sent=RequestReport(ctx.journal, MADE, task=ctx.task_id).say_if_due,
            gather=gather,
            pause=pause,
        )

    def __enter__(self) -> Self:
        self._directory.mkdir(parents=True, exist_ok=True)
        self._container_log = open_container_log(self._ctx)
        self._cleanup.callback(os.close, self._container_log)
        self._uploader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._cleanup:
            try:
                if kind is None:
                    self.finish()
                elif not self._uploader.lost and issubclass(kind, Exception):
                    # The task has failed for a reason of its own; logs that cannot be sent do not hide it.
                    with suppress(koji.GenericError, Fault, OSError, TaskCanceled):
                        self.finish(is_patient=False)
            finally:
                # Before the files are closed, from which it reads.
                self._uploader.stop()
            if isinstance(value, Exception):
                # A command that was killed because the hub took the task away has not failed.
                self.check()
                self._ctx.last_words.take(value, self.names, self.path)

    @property
    def names(self) -> tuple[str, ...]:
        """Logs that have content, in the order in which they were begun: those are on the hub."""
        with self._writing:
            return tuple(name for name, file in self._files.items() if file.size)

    def path(self, name: str) -> Path:
        """The file of log `name`."""
        return self._directory / name

    def sink(self, name: str) -> KojiLogSink:
        """The sink of log `name`; one file however often it is asked for."""
        return KojiLogSink(self, self._file(name))

    def _file(self, name: str) -> LogFile:
        with self._writing:
            if name not in self._files:
                file = LogFile.create(name, self.path(name))
                self._cleanup.callback(file.close)
                file.copy = self._shown.log(name, self.path(name))
                self._files[name] = file
                self._uploader.add(file)
            return self._files[name]

    def heading(self, text: str) -> None:
        """Begin a new section of container.log."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        with self._writing:
            self._note(f"== {now} {text}\n".encode(errors="surrogateescape"))

    def append(self, file: LogFile, data: bytes) -> None:
        """Write to a log and to container.log, and let the uploader know."""
        self.check()
        limit = self._ctx.config.log_size_limit
        with self._writing:
            allowed = data[: max(0, limit - self._size)]
            self._stamp(file)
            file.append(allowed)
            self._note(allowed)
            self._size += len(allowed)
        self._uploader.notify()
        if len(allowed) < len(data):
            message = (
                f"the logs of task {self._ctx.task_id} reached log_size_limit ({limit} bytes) in {file.name}"
            )
            raise BuildFailed(
                message, hint="let the build print less, or raise log_size_limit on the builder"
            )

    def _note(self, data: bytes) -> None:
        """Append to container.log, which is for people on the hub's volume: where that is full, the task goes on."""
        if not self._has_container_log:
            return
        try:
            write_all(self._container_log, data)
        except OSError as error:
            logger.warning("container.log of task %d ends here: %s", self._ctx.task_id, error)
            self._has_container_log = False

    def _stamp(self, file: LogFile) -> None:
        """At most once a second, where in the log the second begins (option log_timestamps)."""
        now = int(self._clock())
        if not self._ctx.config.log_timestamps or self._stamps.get(file.name) == now:
            return
        self._stamps[file.name] = now
        self._file(f"{file.name}-ts.log").append(f"{now} {file.size}\n".encode())

    def check(self) -> None:
        """TaskCanceled when the hub has refused an upload of this task."""
        if self._uploader.lost:
            raise TaskCanceled(
                f"the hub refuses uploads for task {self._ctx.task_id}: it is not this host's any more"
            )

    def finish(self, *, is_patient: bool = True) -> None:
        """Upload what is left, and compare checksums with the hub. May be called more than once."""
        self._uploader.finish(is_patient=is_patient)
        self.check()

    def _first_uploaded(self, name: str) -> None:
        self._ctx.journal.record(Phase.FIRST_LOG_UPLOADED, task=self._ctx.task_id, log=name)


def open_container_log(ctx: LoggedTask) -> int:
    """`logs/<task id>/container.log` below the topdir, or below the state directory where topdir is read-only."""
    last: OSError | None = None
    for base in (Path(ctx.config.topdir), Path(ctx.config.state_dir)):
        directory = base / "logs" / str(ctx.task_id)
        try:
            directory.mkdir(parents=True, exist_ok=True)
            return os.open(
                directory / "container.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644
            )
        except OSError as error:
            logger.debug("container.log of task %d cannot be below %s: %s", ctx.task_id, base, error)
            last = error
    assert last is not None
    raise last
