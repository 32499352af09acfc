"""A task as operators see it: its facts and its logs below `public`, written by the process of the task.

A log is shown by a second name of its own file, so that it grows there as it grows, costs no space, and stays when the
work directory goes. Where the two are on different file systems it is written twice. What cannot be shown is not, with
a warning: no task fails for it. A `ShownTask` lives as long as its process; any thread of it may call.
"""

import errno
import logging
import os
import shutil
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from koji_adjutant.host.groups import share
from koji_adjutant.journal.public import (
    DIRECTORY_MODE,
    FILE_MODE,
    TaskFacts,
    logs_directory,
    task_facts_file,
    write_facts,
)

_NO_LINKS = frozenset({errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP})
"""What a file system says that has not this file, or has no second names."""

logger = logging.getLogger("koji.adjutant.journal")


class Shown(Protocol):
    """What is told of a task."""

    def update(self, **changes: Any) -> None:
        """Fields of `TaskFacts` that are known now."""

    def log(self, name: str, path: Path) -> int | None:
        """Show the log in file `path`, which is open and empty. A descriptor: what is written goes there too."""


class Unshown:
    """Where nobody is shown anything."""

    def update(self, **changes: Any) -> None:
        """Nothing."""

    def log(self, name: str, path: Path) -> int | None:  # noqa: ARG002
        """Nothing."""
        return None


UNSHOWN = Unshown()


class ShownTask:
    """Writes what is shown of one task, for `group`."""

    def __init__(self, state_dir: Path, facts: TaskFacts, group: int) -> None:
        self._file = task_facts_file(state_dir, facts.task)
        self._logs = logs_directory(state_dir, facts.task)
        self._facts = facts
        self._group = group
        self._writing = threading.Lock()

    def begin(self) -> None:
        """Show the task; what was shown of an earlier run of it goes."""
        shutil.rmtree(self._logs, ignore_errors=True)
        self.update()

    def update(self, **changes: Any) -> None:
        """Replace the facts."""
        with self._writing:
            self._facts = replace(self._facts, **changes)
            try:
                write_facts(self._file, self._facts)
            except OSError as error:
                logger.warning("%s not written: %s", self._file, error)

    def log(self, name: str, path: Path) -> int | None:
        """Show a log, by its own file or by a copy."""
        try:
            copy = self._show(self._logs / name, path)
        except OSError as error:
            logger.warning("%s is not shown: %s", name, error)
            return None
        if name not in self._facts.logs:
            self.update(logs=(*self._facts.logs, name))
        return copy

    def _show(self, shown: Path, path: Path) -> int | None:
        self._logs.mkdir(mode=0o700, exist_ok=True)
        share(self._logs, self._group, DIRECTORY_MODE)
        shown.unlink(missing_ok=True)
        try:
            shown.hardlink_to(path)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            copy = os.open(shown, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
            with suppress(OSError):
                share(copy, self._group, FILE_MODE)
            return copy
        share(shown, self._group, FILE_MODE)
        return None
