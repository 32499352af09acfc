"""Waiting for tasks while the builder takes none: not for minutes, and with the daemon's own words."""

import time
from collections.abc import Callable
from typing import Any

import koji

from koji_adjutant.errors import AdjutantError
from koji_adjutant.journal.state import reason_said
from koji_adjutant.testbed import builder
from koji_adjutant.testbed.layout import Layout

SECONDS = 15.0
"""A daemon that starts sweeps first, and an engine that is busy answers late."""


class NoTasksTaken(AdjutantError):
    """The builder has taken no task for some time, and says why."""


class IdleBuilderCheck:
    """To be called again and again while a task is waited for; raises NoTasksTaken."""

    def __init__(
        self,
        session: Any,
        layout: Layout,
        *,
        seconds: float = SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self._layout = layout
        self._seconds = seconds
        self._clock = clock
        self._since: float | None = None

    def __call__(self) -> None:
        """Look at the builder once more; NoTasksTaken when it has taken no task for too long."""
        reason = reason_said(self._layout.state_dir)
        if not reason or self._is_busy():
            self._since = None
            return
        now = self._clock()
        self._since = now if self._since is None else self._since
        if now - self._since >= self._seconds:
            raise NoTasksTaken(
                f"the builder takes no tasks: {reason}", hint=f"see {builder.log_of(self._layout)}"
            )

    def _is_busy(self) -> bool:
        return bool(self._session.listTasks(opts={"state": [koji.TASK_STATES["OPEN"]]}))
