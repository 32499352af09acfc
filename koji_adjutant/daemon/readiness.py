"""Whether this host can take a task, and in one sentence why not; and who is told.

What decides are pure functions of what is known; nothing here asks the hub or the engine. Log and journal have each
change, and a file of the state directory what is so now, for who waits for this host (koji_adjutant.journal.state).
"""

import logging
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from koji_adjutant.config import Config
from koji_adjutant.errors import Problem
from koji_adjutant.journal.phases import HostEvent, Journal
from koji_adjutant.journal.state import READINESS, NotReady, Obstacle, write_readiness

_NUMBERS = re.compile(r"[0-9]+")

logger = logging.getLogger("koji.TaskManager")


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What the decision depends on. A problem is None when all is well."""

    host: Mapping[str, Any]
    task_load: float
    tasks: int
    is_restarting: bool
    storage: Path
    engine_problem: Problem | None = None
    sweep_problem: Problem | None = None
    disk_problem: Problem | None = None


def reason_not_ready(situation: Situation, config: Config) -> NotReady | None:
    """None when a task can be taken."""
    for obstacle, problem in (
        *_of_hub(situation, config),
        (Obstacle.SPACE, space_problem(situation.storage, config.minspace)),
        (Obstacle.LOAD, _busy(config.max_load_per_cpu)),
        (Obstacle.ENGINE, situation.engine_problem),
        (Obstacle.LEFTOVERS, situation.sweep_problem),
        (Obstacle.DISKS, situation.disk_problem),
    ):
        if problem:
            return NotReady(obstacle=obstacle, reason=str(problem))
    return None


def _of_hub(situation: Situation, config: Config) -> Iterator[tuple[Obstacle, Problem]]:
    """What the hub's record of this host and its tasks has to say."""
    capacity = situation.host["capacity"]
    if situation.is_restarting:
        yield Obstacle.RESTART, Problem("Pending restart")
    if not situation.host["enabled"]:
        yield Obstacle.DISABLED, Problem("Host is disabled")
    if situation.task_load > capacity:
        text = f"Over capacity: task load {situation.task_load:.2f} > {capacity:.2f}"
        yield Obstacle.CAPACITY, Problem(text)
    if situation.tasks >= config.maxjobs:
        yield Obstacle.MAXJOBS, Problem(f"Full queue: {situation.tasks} tasks, maxjobs {config.maxjobs}")


class Readiness:
    """Says whether the main process takes tasks, each time that it goes to sleep: in the log and in a file."""

    def __init__(self, state_dir: Path, journal: Journal) -> None:
        self._state_dir = state_dir
        self._journal = journal
        self._has_said = False
        self._said: NotReady | None = None

    def say(self, not_ready: NotReady | None) -> None:
        """The host is ready, or is not; said when it is for another reason than before, numbers aside.

        What was so for a moment, while tasks ended and others were taken, is not said.
        """
        is_first, before = not self._has_said, self._said
        self._has_said, self._said = True, not_ready
        if not is_first and _kind(not_ready) == _kind(before):
            return
        if not_ready:
            logger.warning("Not ready for task: %s", not_ready.reason)
            self._journal.record(
                HostEvent.NOT_READY, obstacle=not_ready.obstacle.value, reason=not_ready.reason
            )
        else:
            if before:
                logger.info("Ready for task")
            self._journal.record(HostEvent.READY)
        try:
            write_readiness(self._state_dir, not_ready)
        except OSError as error:
            logger.warning("%s not written: %s", self._state_dir / READINESS, error)


def _kind(not_ready: NotReady | None) -> str:
    return _NUMBERS.sub("", not_ready.reason) if not_ready else ""


def storage_to_measure(engine_storage: Path | None, config: Config) -> Path:
    """Where tasks use space up: the engine's storage, or the work directory if that is not on this machine."""
    if engine_storage is not None and engine_storage.is_dir():
        return engine_storage
    return Path(config.workdir)


def space_problem(path: Path, minspace: int) -> Problem | None:
    """Why there is too little space for a task; None when there is enough of it. `minspace` in MB."""
    try:
        status = os.statvfs(path)
    except OSError as error:
        return Problem(f"Free space at {path} is unknown: {error.strerror}")
    available = status.f_bavail * status.f_frsize >> 20
    if available < minspace:
        return Problem(f"Insufficient disk space at {path}: {available} MB, minspace {minspace} MB")
    return None


def _busy(load_per_cpu: float) -> Problem | None:
    load = os.getloadavg()[0]
    limit = load_per_cpu * os.sysconf("SC_NPROCESSORS_ONLN")
    return Problem(f"Load average {load:.2f} > {limit:.2f}") if load > limit else None
