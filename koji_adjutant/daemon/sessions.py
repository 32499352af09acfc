"""Sessions with the hub that outlive a main process: which one was its own, and what task processes get instead.

A main process that dies leaves its session open and locked on the hub. The next one, which has the lock of the same
state directory, ends it by its number, subsessions included, and so gets the lock without force: who else is logged in
with this host's credentials is not touched. `<state_dir>/session` has the number and no key.

A task process whose session has ended leaves `tasks/<id>.asks`, wakes the main process, and waits for
`tasks/<id>.session`: another subsession, for it alone. Both files go with the task's state file.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import koji

from koji_adjutant.daemon.tasks.state import StateDirectory
from koji_adjutant.errors import LoginFailed
from koji_adjutant.host.files import replace_json
from koji_adjutant.hub.session import HubSession
from koji_adjutant.journal.state import TaskState

LOOK_SECONDS = 0.1
ASK_SECONDS = 5.0
"""How often a task process asks again: the main process that was asked may be gone."""

logger = logging.getLogger("koji.adjutant.daemon")


class OwnSession:
    """The record of a main process' session."""

    def __init__(self, state: StateDirectory, server: str) -> None:
        self._file = state.path / "session"
        self._server = server

    def replace(self, session: HubSession) -> None:
        """`session` is new and asks for the lock: end the one before, and remember this one."""
        before = _load(self._file)
        if before.get("server") == self._server:
            try:
                session.logout(int(before["session-id"]))
                logger.info("Session %s of an earlier run is ended", before["session-id"])
            except koji.GenericError as error:
                logger.info("Session %s of an earlier run: %s", before["session-id"], error)
        try:
            replace_json(self._file, {"server": self._server, "session-id": session.session_id})
        except OSError as error:
            # Without it the next start could not tell this session from another daemon's.
            raise LoginFailed(f"{self._file}: {error.strerror}", hint="make space") from error

    def end(self) -> None:
        """The session was logged out: forget its number."""
        self._file.unlink(missing_ok=True)


class SessionWaiter:
    """Called in a task process whose session the hub does not accept any more; waits for another one.

    The wait lasts for as long as there is no main process. None when the task was given up: its state file is gone, or
    another process'.
    """

    def __init__(
        self, state: StateDirectory, own: TaskState, session: HubSession, poke: Callable[[], None]
    ) -> None:
        self._state = state
        self._own = own
        self._session = session
        self._poke = poke

    def __call__(self) -> dict[str, Any] | None:
        """What login() gave for another session than the one that was refused."""
        refused = self._session.session_id
        logger.warning("task %s: session %s has ended; waiting for another", self._own.task, refused)
        ask_at = 0.0
        while self._is_wanted():
            given = _load(self._state.file(self._own.task, "session"))
            if given and given["session-id"] != refused:
                logger.info("task %s: goes on in session %s", self._own.task, given["session-id"])
                return given
            if time.monotonic() >= ask_at:
                self._ask(refused)
                ask_at = time.monotonic() + ASK_SECONDS
            time.sleep(LOOK_SECONDS)
        logger.warning("task %s: it was given up", self._own.task)
        return None

    def _ask(self, refused: int) -> None:
        try:
            replace_json(self._state.file(self._own.task, "asks"), {"refused": refused})
        except OSError as error:
            logger.warning("task %s: cannot ask for a session: %s", self._own.task, error)
        self._poke()

    def _is_wanted(self) -> bool:
        found = self._state.find(self._own.task)
        return found is not None and (found.pid, found.start_time) == (self._own.pid, self._own.start_time)


def requested_sessions(state: StateDirectory) -> Iterator[tuple[int, int]]:
    """Numbers of the tasks whose processes ask for a session, each with the number of the session that it lost."""
    for file in (state.path / "tasks").glob("*.asks"):
        refused = _load(file).get("refused")
        if file.stem.isdigit() and isinstance(refused, int):
            yield int(file.stem), refused


def hand_out(state: StateDirectory, task: int, sinfo: dict[str, Any]) -> None:
    """Give the process of `task` a session, as login() returned it. OSError when that cannot be written."""
    replace_json(state.file(task, "session"), sinfo)
    state.file(task, "asks").unlink(missing_ok=True)


def _load(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
