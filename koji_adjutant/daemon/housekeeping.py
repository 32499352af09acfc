"""The helpers of the main process, and when they run: cleaning up after tasks, sweeping, images.

At most one helper of a kind (for clean-up: of a task) runs at a time. What a helper could not do, because the
engine did not answer, is tried again later; until the first sweep after a start has succeeded, the host is not
ready, since an old container may belong to a task that is about to come back.
"""

import logging
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from koji_adjutant import disks
from koji_adjutant.buildroot.image_maker import make_image
from koji_adjutant.buildroot.images import pending_requests
from koji_adjutant.daemon.cache_care import PREWARM, CacheCare
from koji_adjutant.daemon.processes import Child, fork, stop_all, wait_for_all
from koji_adjutant.daemon.recurring import Recurring
from koji_adjutant.daemon.state import StateDirectory
from koji_adjutant.daemon.sweeps import Sweeps
from koji_adjutant.errors import AdjutantError
from koji_adjutant.handlers.base import Services

SWEEP_INTERVAL = 300.0
SECOND_SWEEP = 10.0
"""After the first: what was under way in the engine when an earlier run died has come to its end."""
RETRY_INTERVAL = 5.0
IMAGES_RETRY = 15.0
FIRST_OLD_LOGS = 5.0
OLD_LOGS_INTERVAL = 86400.0
STOP_GRACE = 1.0
IMAGE_NICENESS = 10
IMAGE_PATIENCE = 120.0
TASK_SECONDS = 2.0
"""How long a step of an image waits for tasks when it has waited for IMAGE_PATIENCE altogether: from then on they are
slowed, but an image is not stopped by them."""
STEP = 0.1
_CLEAN_UP = "clean-up of task"
_SWEEP = "sweep"
_IMAGES = "images"
_OLD_LOGS = "old logs"

logger = logging.getLogger("koji.adjutant.housekeeping")


class Housekeeping:
    """Starts helpers and collects them; `at_start` is what each does first."""

    def __init__(self, services: Services, state: StateDirectory, at_start: Callable[[], None]) -> None:
        self._services = services
        self._state = state
        self._at_start = at_start
        self._sweeps = Sweeps(services=services, state=state)
        self.cache = CacheCare(services)
        self._helpers: dict[str, Child] = {}
        self._troubles: dict[str, Recurring] = {}
        self._has_swept = False
        self._next_sweep = 0.0
        self._next_images = 0.0
        self._next_old_logs = time.monotonic() + FIRST_OLD_LOGS
        self._images_wanted: float | None = None
        """Since when (monotonic) images are asked for."""
        self._retry_at: dict[int, float] = {}

    def pidfds(self) -> tuple[int, ...]:
        """What becomes readable when a helper ends."""
        return tuple(helper.pidfd for helper in self._helpers.values())

    def problem(self) -> str:
        """Why no task can be taken; empty when all is clean."""
        if not self._has_swept:
            return "Containers of an earlier run are not removed yet"
        return disks.problem(self._services.config)

    def concerns(self, task: int) -> bool:
        """Whether something of an earlier run of `task` is still about."""
        return self._state.knows(task)

    def clean_up(self, task: int) -> None:
        """Remove what is left of a task whose process is dead, or is none of ours and to be killed."""
        state = self._state.find(task)
        if state is not None and _task_key(task) not in self._helpers:
            self._start(_task_key(task), lambda: self._sweeps.task(state))

    def work(self, running: Mapping[int, Child], storage: Path | None = None) -> None:
        """Collect helpers that have ended; start those whose time has come. `storage` is where images are.

        An engine answers nobody while it writes an image: images are made when no task runs, unless they have
        been waited for too long.
        """
        self._collect()
        now = time.monotonic()
        self._retry_at = {task: at for task, at in self._retry_at.items() if at > now}
        for state in self._state.tasks():
            if state.task not in running and state.task not in self._retry_at:
                self._retry_at[state.task] = now + RETRY_INTERVAL
                self.clean_up(state.task)
        if now >= self._next_sweep and _SWEEP not in self._helpers:
            self._start(_SWEEP, self._sweep(frozenset(running)))
        if not self._has_swept:
            return
        if now >= self._next_old_logs and _OLD_LOGS not in self._helpers:
            self._next_old_logs = now + OLD_LOGS_INTERVAL
            self._start(_OLD_LOGS, self._sweeps.old_logs)
        # A sweep takes what belongs to images for lost where none are made.
        if not self._helpers.keys() & {_IMAGES, _SWEEP}:
            # Nor does what a task has left wait for an image.
            is_idle = not running and not any(key.startswith(_CLEAN_UP) for key in self._helpers)
            self._care_for_images(is_idle=is_idle, storage=storage or self._services.config.cache_dir)

    def _care_for_images(self, *, is_idle: bool, storage: Path) -> None:
        if self._is_time_for_images(is_idle=is_idle):
            self._start(_IMAGES, self._make_images)
            return
        for name, care in self.cache.due(is_idle=is_idle, helpers=self._helpers, storage=storage):
            self._start(name, care)

    def _is_time_for_images(self, *, is_idle: bool) -> bool:
        now = time.monotonic()
        if not any(pending_requests(self._services.config)):
            self._images_wanted = None
            return False
        self._images_wanted = self._images_wanted or now
        if now < self._next_images:
            return False
        return is_idle or now - self._images_wanted > IMAGE_PATIENCE

    def sweep_first(self, seconds: float, running: Mapping[int, Child] = MappingProxyType({})) -> None:
        """Begin with a sweep, and give it a moment: most engines answer at once. `running` go on from before."""
        self.work(running)
        wait_for_all(self._helpers.values(), seconds)
        self._collect()

    def leave(self) -> None:
        """End all helpers, and nothing else: tasks go on."""
        stop_all(self._helpers.values(), STOP_GRACE)
        self._helpers.clear()

    def finish(self, seconds: float) -> None:
        """Remove everything of this worker, and all helpers, in at most `seconds`."""
        self.leave()
        self._start(_SWEEP, self._sweeps.everything)
        helper = self._helpers.pop(_SWEEP)
        if not wait_for_all([helper], seconds):
            logger.error("containers are left: the engine is too slow; the next start removes them")
        stop_all([helper], 0.0)

    def _collect(self) -> None:
        for key, helper in list(self._helpers.items()):
            if helper.has_ended():
                status = helper.reap()
                del self._helpers[key]
                self._note(key, is_done=status == 0)
                if key == _SWEEP:
                    self._swept(is_done=status == 0)
                elif key == _IMAGES:
                    # What is still asked for is being made by somebody else, or waits for the engine.
                    is_left = any(pending_requests(self._services.config))
                    self._next_images = time.monotonic() + (IMAGES_RETRY if is_left else 0.0)
                    self.cache.images_made()
                else:
                    self.cache.ended(key, is_done=status == 0)

    def _swept(self, *, is_done: bool) -> None:
        pause = SWEEP_INTERVAL if self._has_swept else SECOND_SWEEP
        self._has_swept = self._has_swept or is_done
        self._next_sweep = time.monotonic() + (pause if is_done else RETRY_INTERVAL)

    def _start(self, key: str, work: Callable[[], None]) -> None:
        manager = self._services.manager
        trouble = self._troubles.get(key)
        is_quiet = trouble is not None and not trouble.is_to_be_said(key)

        def run() -> int:
            manager.close()
            if is_quiet:
                logging.disable(logging.WARNING)
            try:
                work()
            except AdjutantError as error:
                logger.warning("%s: %s", key, error)
                return 1
            return 0

        self._helpers[key] = fork(key, run, at_start=self._at_start)

    def _note(self, key: str, *, is_done: bool) -> None:
        """What could not be done is tried again every few seconds, and says so now and then."""
        if is_done and (trouble := self._troubles.pop(key, None)):
            logger.warning("%s: done, after %s", key, trouble.over())
        elif not is_done and key not in self._troubles:
            self._troubles[key] = Recurring()
            self._troubles[key].is_to_be_said(key)

    def _sweep(self, running: frozenset[int]) -> Callable[[], None]:
        if not self._has_swept:
            return lambda: self._sweeps.everything(running)
        images = not self._helpers.keys() & {_IMAGES, PREWARM}
        return lambda: self._sweeps.again(running, images=images)

    def _make_images(self) -> None:
        os.nice(IMAGE_NICENESS)
        config, manager = self._services.config, self._services.manager
        worker, journal = self._services.worker, self._services.journal
        for request in list(pending_requests(config)):
            make_image(request, manager, config, worker, journal, pause=Precedence(self._state))


class Precedence:
    """Tasks go first: what a helper does between two steps of one image, each of which has had the engine."""

    def __init__(self, state: StateDirectory) -> None:
        self._state = state
        self._patience = IMAGE_PATIENCE

    def __call__(self, seconds: float) -> None:
        """After so many seconds of the engine's time: a moment for others; while there are tasks, all the time."""
        time.sleep(seconds / 10)
        began = time.monotonic()
        deadline = began + max(TASK_SECONDS, self._patience)
        while time.monotonic() < deadline and next(iter(self._state.tasks()), None) is not None:
            time.sleep(STEP)
        self._patience -= time.monotonic() - began


def _task_key(task: int) -> str:
    return f"{_CLEAN_UP} {task}"
