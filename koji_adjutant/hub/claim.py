"""Whether a task is still ours, after the hub or we were away.

The hub frees the tasks of a host that has been silent for too long. What it freed for that reason alone is taken back
and goes on; every other task that is not open on this host any more is somebody else's. Which silences there were is
in a file of the state directory, written by the main process at each poll and read by task processes; its times are
seconds since the machine booted, which no change of the clock moves.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import koji

from koji_adjutant.errors import TaskCanceled
from koji_adjutant.host.files import replace_json, since_boot

OPEN = koji.TASK_STATES["OPEN"]
FREE = koji.TASK_STATES["FREE"]
ASSIGNED = koji.TASK_STATES["ASSIGNED"]
SILENCE_SECONDS = 60.0
"""Seconds between two polls, beyond the usual ones, that make a gap. Hubs wait for 900 before they free tasks."""
TAKE_BACK_SECONDS = 30.0
"""Seconds after a gap in which what was freed may be taken back: two polls, and more is somebody's will."""
FILE = "hub-contact.json"

logger = logging.getLogger("koji.adjutant.hub")


class Caller(Protocol):
    """The part of a hub session that looking up and opening a task needs."""

    def callMethod(self, name: str, *args: Any, **opts: Any) -> Any:  # noqa: N802 - the library's name
        """Make a call."""


@dataclass(frozen=True, kw_only=True)
class Contact:
    """When the main process last heard from the hub, and when the last gap ended (0: there was none)."""

    seen: float
    gap_end: float = 0.0


class HubContact:
    """The file `hub-contact.json`. `usual` is how many seconds may lie between two polls (option sleeptime).

    While `is_silent` says that nobody polls, there is a gap already.
    """

    def __init__(
        self,
        state_dir: Path,
        usual: float,
        clock: Callable[[], float] = since_boot,
        is_silent: Callable[[], bool] = lambda: False,
        *,
        may_return: float = TAKE_BACK_SECONDS,
    ) -> None:
        self._path = Path(state_dir) / FILE
        self._silence = usual + SILENCE_SECONDS
        self._clock = clock
        self._is_silent = is_silent
        self._may_return = may_return

    def seen(self) -> None:
        """The main process has heard from the hub."""
        now = self._clock()
        known = self._read()
        gap_end = now if known is None or self._is_gap(known, now) else known.gap_end
        try:
            replace_json(self._path, {"seen": now, "gap_end": gap_end})
        except OSError as error:
            logger.warning("%s not written: %s", self._path, error)

    def lost(self) -> None:
        """Another main process begins, and cannot know how long the hub has not heard from this host."""
        self._path.unlink(missing_ok=True)

    def is_after_gap(self, since: float = 0.0) -> bool:
        """Whether the hub has not heard from this host for long, or had not until a moment ago.

        `since` (seconds since the boot) is when the task began that asks: earlier gaps do not matter to it.
        """
        now = self._clock()
        known = self._read()
        if known is None or self._is_gap(known, now) or self._is_silent():
            return True
        return known.gap_end > since and now - known.gap_end < self._may_return

    def _is_gap(self, known: Contact, now: float) -> bool:
        # A time that is still to come is of another boot.
        return known.seen > now or now - known.seen > self._silence

    def _read(self) -> Contact | None:
        try:
            return Contact(**{key: float(value) for key, value in json.loads(self._path.read_text()).items()})
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, AttributeError) as error:
            logger.warning("%s is not understood: %s", self._path, error)
            return None


def take_back(hub: Caller, task: int, host: int, contact: HubContact, since: float = 0.0) -> bool:
    """Whether `task`, begun at `since`, is open on `host`, if need be again.

    That is for one that was freed while the hub heard nothing of us.
    """
    info: Any = hub.callMethod("getTaskInfo", task)
    if _is_open(info, host):
        return True
    if not _is_unclaimed(info, host) or not contact.is_after_gap(since):
        return False
    logger.warning("task %s was freed while the hub did not hear from this host: taking it back", task)
    try:
        hub.callMethod("host.openTask", task)
    except koji.RetryError:
        logger.debug("task %s: whether it was opened is looked up", task)
    return _is_open(hub.callMethod("getTaskInfo", task), host)


def _is_open(info: Any, host: int) -> bool:
    return bool(info) and info["state"] == OPEN and info["host_id"] == host


def _is_unclaimed(info: Any, host: int) -> bool:
    return bool(info) and (info["state"] == FREE or (info["state"] == ASSIGNED and info["host_id"] == host))


@dataclass(frozen=True, kw_only=True)
class TaskClaim:
    """What a task process claims: that this task is open on this host."""

    task: int
    host: int
    contact: HubContact
    since: float = 0.0
    """When the task began, in seconds since the machine booted."""

    def holds(self, hub: Caller) -> bool:
        """Whether the task is open on this host, or could be opened again."""
        return take_back(hub, self.task, self.host, self.contact, self.since)

    def was_refused(self, hub: Caller) -> bool:
        """After a refusal: whether the task was not open here, and is again. A refusal may have other reasons."""
        info: Any = hub.callMethod("getTaskInfo", self.task)
        return not _is_open(info, self.host) and self.holds(hub)

    def require(self, hub: Caller) -> None:
        """TaskCanceled unless the claim holds."""
        if not self.holds(hub):
            raise TaskCanceled(f"task {self.task} is not open on this host any more")
