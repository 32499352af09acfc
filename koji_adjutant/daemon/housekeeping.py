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

from koji_adjutant.buildroot import prewarm
from koji_adjutant.buildroot.image_maker import make_image, remove_unfinished
from koji_adjutant.buildroot.images import pending_requests
from koji_adjutant.daemon.cache_care import PREWARM, CacheCare
from koji_adjutant.daemon.processes import Child, fork, stop_all, wait_for_all
from koji_adjutant.daemon.state import StateDirectory, TaskState
from koji_adjutant.daemon.sweep import Sweeper, remove_workdir
from koji_adjutant.errors import AdjutantError
from koji_adjutant.handlers.base import Services

SWEEP_INTERVAL = 300.0
RETRY_INTERVAL = 15.0
STOP_GRACE = 1.0
IMAGE_NICENESS = 10
IMAGE_PATIENCE = 120.0
TASK_SECONDS = 2.0
"""How long a step of an image waits for tasks when it has waited for IMAGE_PATIENCE altogether: from then on they are
slowed, but an image is not stopped by them."""
STEP = 0.1
_SWEEP = "sweep"
_IMAGES = "images"

logger = logging.getLogger("koji.adjutant.housekeeping")


class Housekeeping:
    """Starts helpers and collects them; `at_start` is what each does first."""

    def __init__(self, services: Services, state: StateDirectory, at_start: Callable[[], None]) -> None:
        self._services = services
        self._state = state
        self._at_start = at_start
        self._sweeper = Sweeper(manager=services.manager, journal=services.journal, worker=services.worker)
        self.cache = CacheCare(services)
        self._helpers: dict[str, Child] = {}
        self._has_swept = False
        self._next_sweep = 0.0
        self._next_images = 0.0
        self._retry_at: dict[int, float] = {}

    def pidfds(self) -> tuple[int, ...]:
        """What becomes readable when a helper ends."""
        return tuple(helper.pidfd for helper in self._helpers.values())

    def problem(self) -> str:
        """Why no task can be taken; empty when all is clean."""
        return "" if self._has_swept else "Containers of an earlier run are not removed yet"

    def concerns(self, task: int) -> bool:
        """Whether something of an earlier run of `task` is still about."""
        return self._state.find(task) is not None

    def clean_up(self, task: int) -> None:
        """Remove what is left of a task whose process is dead, or is none of ours and to be killed."""
        state = self._state.find(task)
        if state is not None and _task_key(task) not in self._helpers:
            self._start(_task_key(task), lambda: self._sweep_task(state))

    def work(self, running: Mapping[int, Child], storage: Path | None = None) -> None:
        """Collect helpers that have ended; start those whose time has come. `storage` is where images are.

        An engine answers nobody while it writes an image: images are made when no task runs, unless they have
        been waited for too long.
        """
        self._collect()
        now = time.monotonic()
        for state in self._state.tasks():
            if state.task not in running and now >= self._retry_at.get(state.task, 0.0):
                self._retry_at[state.task] = now + RETRY_INTERVAL
                self.clean_up(state.task)
        if now >= self._next_sweep and _SWEEP not in self._helpers:
            self._start(_SWEEP, self._sweep(frozenset(running)))
        if self._has_swept and _IMAGES not in self._helpers and self._is_time_for_images(is_idle=not running):
            self._start(_IMAGES, self._make_images)
        if self._has_swept and _IMAGES not in self._helpers:
            where = storage or self._services.config.cache_dir
            for name, care in self.cache.due(is_idle=not running, helpers=self._helpers, storage=where):
                self._start(name, care)

    def _is_time_for_images(self, *, is_idle: bool) -> bool:
        if time.monotonic() < self._next_images:
            return False
        oldest = next(pending_requests(self._services.config), None)
        return oldest is not None and (is_idle or time.time() - oldest.stat().st_mtime > IMAGE_PATIENCE)

    def sweep_first(self, seconds: float) -> None:
        """Begin with a sweep, and give it a moment: most engines answer at once."""
        self.work({})
        wait_for_all(self._helpers.values(), seconds)
        self._collect()

    def finish(self, seconds: float) -> None:
        """Remove everything of this worker, and all helpers, in at most `seconds`."""
        stop_all(self._helpers.values(), STOP_GRACE)
        self._helpers.clear()
        self._start(_SWEEP, self._sweep_all)
        helper = self._helpers.pop(_SWEEP)
        if not wait_for_all([helper], seconds):
            logger.error("containers are left: the engine is too slow; the next start removes them")
        stop_all([helper], 0.0)

    def _collect(self) -> None:
        for key, helper in list(self._helpers.items()):
            if helper.has_ended():
                status = helper.reap()
                del self._helpers[key]
                if key == _SWEEP:
                    self._has_swept = self._has_swept or status == 0
                    self._next_sweep = time.monotonic() + (SWEEP_INTERVAL if status == 0 else RETRY_INTERVAL)
                elif key == _IMAGES:
                    # What is still asked for is being made by somebody else, or waits for the engine.
                    is_left = any(pending_requests(self._services.config))
                    self._next_images = time.monotonic() + (RETRY_INTERVAL if is_left else 0.0)
                    self.cache.images_made()
                else:
                    self.cache.ended(key, is_done=status == 0)

    def _start(self, key: str, work: Callable[[], None]) -> None:
        manager = self._services.manager

        def run() -> int:
            manager.close()
            try:
                work()
            except AdjutantError as error:
                logger.warning("%s: %s", key, error)
                return 1
            return 0

        self._helpers[key] = fork(key, run, at_start=self._at_start)

    def _sweep(self, running: frozenset[int]) -> Callable[[], None]:
        if not self._has_swept:
            return self._sweep_all
        now = time.time()
        images = _IMAGES not in self._helpers and PREWARM not in self._helpers
        return lambda: self._sweeper.sweep_strays(running, now, images=images)

    def _sweep_task(self, state: TaskState) -> None:
        self._sweeper.sweep_task(state.task, state.workdir)
        self._state.end(state.task)

    def _sweep_all(self) -> None:
        for state in self._state.tasks():
            remove_workdir(state.workdir)
        self._sweeper.sweep_worker()
        remove_unfinished(self._services.config, self._services.worker)
        prewarm.remove_unfinished(self._services.config, self._services.worker)
        for state in self._state.tasks():
            self._state.end(state.task)

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
    return f"clean-up of task {task}"
