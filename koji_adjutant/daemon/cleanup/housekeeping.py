"""The helpers of the main process, and when they run: cleaning up after tasks, sweeping, images.

At most one helper of a kind (for clean-up: of a task) runs at a time. What a helper could not do, because the
engine did not answer, is tried again later; until the first sweep after a start has succeeded, the host is not
ready, since an old container may belong to a task that is about to come back.
"""

import logging
import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from koji_adjutant.buildroot.images import unclean_boot
from koji_adjutant.buildroot.images.keys import unchecked
from koji_adjutant.buildroot.images.maker import make_image
from koji_adjutant.buildroot.images.requests import pending_requests
from koji_adjutant.daemon.cleanup.cache_care import MIRRORS, PREWARM, CacheCare
from koji_adjutant.daemon.cleanup.containers import SweepIntervals
from koji_adjutant.daemon.cleanup.sweeps import Sweeps
from koji_adjutant.daemon.public.engine_facts import show_images
from koji_adjutant.daemon.recurring import Recurring
from koji_adjutant.daemon.tasks.processes import Child, fork, stop_all, wait_for_all
from koji_adjutant.daemon.tasks.state import StateDirectory
from koji_adjutant.errors import AdjutantError, Problem
from koji_adjutant.handlers.base import Services
from koji_adjutant.host.files import DAY
from koji_adjutant.host.machines import forget_trial, try_machines
from koji_adjutant.journal.requests import MADE

IMAGE_NICENESS = 10
LOOK_SECONDS = 0.1
"""Between two looks whether there is a task."""
_CLEAN_UP = "clean-up of task"
_SWEEP = "sweep"
_IMAGES = "images"
_MACHINES = "machines"
_CHECK = "check of images"
_OLD_LOGS = "old logs"
_HISTORY = "history"

logger = logging.getLogger("koji.adjutant.daemon.cleanup")


@dataclass(frozen=True, kw_only=True)
class Intervals:
    """When helpers run, in seconds."""

    sweep: float = 300.0
    second_sweep: float = 10.0
    """After the first: what was under way in the engine when an earlier run died has come to its end."""
    retry: float = 5.0
    """After a helper that could not do its work."""
    images_retry: float = 15.0
    first_old_logs: float = 5.0
    old_logs: float = DAY
    history: float = 300.0
    stop_grace: float = 1.0
    image_patience: float = 120.0
    """How long images wait for tasks, before the first step of one and between all of its steps."""
    image_step: float = 2.0
    """How long a step of an image waits for tasks when `image_patience` is used up: from then on they are slowed, but
    an image is not stopped by them."""
    sweeps: SweepIntervals = SweepIntervals()


class Housekeeping:
    """Starts helpers and collects them; `at_start` is what each does first."""

    def __init__(
        self,
        services: Services,
        state: StateDirectory,
        at_start: Callable[[], None],
        *,
        intervals: Intervals = Intervals(),
    ) -> None:
        self._services = services
        self._state = state
        self._at_start = at_start
        self._intervals = intervals
        self._sweeps = Sweeps(services=services, state=state, intervals=intervals.sweeps)
        self.cache = CacheCare(services)
        self._helpers: dict[str, Child] = {}
        self._troubles: dict[str, Recurring] = {}
        self._storage: Path | None = None
        self._has_swept = False
        self._has_tried_machines = False
        self._next_sweep = 0.0
        self._next_images = 0.0
        self._next_check = 0.0
        self._next_old_logs = self._next_history = time.monotonic() + intervals.first_old_logs
        self._images_wanted: float | None = None
        """Since when (monotonic) images are asked for."""
        self._retry_at: dict[int, float] = {}

    def pidfds(self) -> tuple[int, ...]:
        """What becomes readable when a helper ends."""
        return tuple(helper.pidfd for helper in self._helpers.values())

    def problem(self) -> Problem | None:
        """Why no task can be taken; None when all is clean."""
        return None if self._has_swept else Problem("Containers of an earlier run are not removed yet")

    def concerns(self, task: int) -> bool:
        """Whether something of an earlier run of `task` is still about."""
        return self._state.knows(task)

    def clean_up(self, task: int) -> None:
        """Remove what is left of a task whose process is dead, or is to be killed because it is not this daemon's."""
        state = self._state.find(task)
        if state is not None and _task_key(task) not in self._helpers:
            self._start(_task_key(task), lambda: self._sweeps.task(state))

    def work(self, running: Mapping[int, Child], storage: Path | None = None) -> None:
        """Collect helpers that have ended; start those whose time has come. `storage` is where images are.

        An engine answers nobody while it writes an image: images are made when no task runs, unless they have
        been waited for too long.
        """
        self._collect()
        self._storage = storage or self._storage
        now = time.monotonic()
        self._retry_at = {task: at for task, at in self._retry_at.items() if at > now}
        for state in self._state.tasks():
            if state.task not in running and state.task not in self._retry_at:
                self._retry_at[state.task] = now + self._intervals.retry
                self.clean_up(state.task)
        if now >= self._next_sweep and _SWEEP not in self._helpers:
            self._start(_SWEEP, self._sweep(frozenset(running)))
        if not self._has_tried_machines:
            self._has_tried_machines = True
            forget_trial(self._state.path)
            self._start(_MACHINES, lambda: try_machines(self._state.path))
        if not self._has_swept:
            return
        if now >= self._next_old_logs and _OLD_LOGS not in self._helpers:
            self._next_old_logs = now + self._intervals.old_logs
            self._start(_OLD_LOGS, self._sweeps.old_logs)
        if now >= self._next_history and _HISTORY not in self._helpers:
            # Where nothing is shown, what an earlier daemon has shown goes once.
            is_on = self._services.config.monitoring_enabled
            self._next_history = now + (self._intervals.history if is_on else math.inf)
            self._start(_HISTORY, self._sweeps.history)
        # A sweep takes what belongs to images for lost where none are made.
        if not self._helpers.keys() & {_IMAGES, _SWEEP, _CHECK}:
            # Nor does what a task has left wait for an image.
            is_idle = not running and not any(key.startswith(_CLEAN_UP) for key in self._helpers)
            self._care_for_images(is_idle=is_idle, storage=storage or self._services.config.cache_dir)

    def _care_for_images(self, *, is_idle: bool, storage: Path) -> None:
        if unchecked(self._services.config.cache_dir) and PREWARM not in self._helpers:
            if time.monotonic() >= self._next_check:
                self._start(_CHECK, self._check_images)
            return
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
        return is_idle or now - self._images_wanted > self._intervals.image_patience

    def sweep_first(self, seconds: float, running: Mapping[int, Child] = MappingProxyType({})) -> None:
        """Begin with a sweep, and give it a moment: most engines answer at once. `running` go on from before."""
        unclean_boot.note_boot(self._state.path, self._services.config.cache_dir)
        self.work(running)
        wait_for_all(self._helpers.values(), seconds)
        self._collect()

    def leave(self) -> None:
        """End all helpers, and nothing else: tasks go on."""
        stop_all(self._helpers.values(), self._intervals.stop_grace)
        self._helpers.clear()

    def finish(self, seconds: float) -> None:
        """Remove everything of this worker, and all helpers, in at most `seconds`."""
        self.leave()
        unclean_boot.note_end(self._state.path)
        try:
            self._start(_SWEEP, self._sweeps.everything)
        except OSError as error:
            logger.error("containers are left: %s; the next start removes them", error)  # noqa: TRY400
            return
        helper = self._helpers.pop(_SWEEP)
        if not wait_for_all([helper], seconds):
            logger.error("containers are left: the engine is too slow; the next start removes them")
        stop_all([helper], 0.0)

    def _collect(self) -> None:
        for key, helper in list(self._helpers.items()):
            if helper.has_ended():
                del self._helpers[key]
                status = helper.reap()
                self._note(key, is_done=status == 0)
                if key == _SWEEP:
                    self._swept(is_done=status == 0)
                elif key == _CHECK:
                    self._next_check = time.monotonic() + (0.0 if status == 0 else self._intervals.retry)
                elif key == _IMAGES:
                    # What is still asked for is being made by somebody else, or waits for the engine.
                    is_left = any(pending_requests(self._services.config))
                    self._next_images = time.monotonic() + (self._intervals.images_retry if is_left else 0.0)
                    self.cache.images_made()
                else:
                    self.cache.ended(key, is_done=status == 0)

    def _swept(self, *, is_done: bool) -> None:
        pause = self._intervals.sweep if self._has_swept else self._intervals.second_sweep
        self._has_swept = self._has_swept or is_done
        self._next_sweep = time.monotonic() + (pause if is_done else self._intervals.retry)

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
            finally:
                MADE.say(self._services.journal)
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
        images = not self._helpers.keys() & {_IMAGES, PREWARM, MIRRORS, _CHECK}
        return lambda: self._sweeps.again(running, images=images)

    def _check_images(self) -> None:
        os.nice(IMAGE_NICENESS)
        services = self._services
        unclean_boot.check_images(services.manager, services.config, services.worker, services.journal)

    def _make_images(self) -> None:
        os.nice(IMAGE_NICENESS)
        config, manager = self._services.config, self._services.manager
        worker, journal = self._services.worker, self._services.journal
        for request in list(pending_requests(config)):
            pause = TasksFirst(self._state, self._intervals)
            make_image(request, manager, config, worker, journal, pause=pause, storage=self._storage)
        show_images(config, manager)


class TasksFirst:
    """The pause of an image maker between two steps of one image: tasks use the engine first."""

    def __init__(
        self,
        state: StateDirectory,
        intervals: Intervals = Intervals(),
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._state = state
        self._step = intervals.image_step
        self._patience = intervals.image_patience
        self._clock = clock
        self._sleep = sleep

    def __call__(self, seconds: float) -> None:
        """Wait after a step that took `seconds` of the engine's time: a tenth of them, and longer while tasks run."""
        self._sleep(seconds / 10)
        began = self._clock()
        deadline = began + max(self._step, self._patience)
        while self._clock() < deadline and next(iter(self._state.tasks()), None) is not None:
            self._sleep(LOOK_SECONDS)
        self._patience -= self._clock() - began


def _task_key(task: int) -> str:
    return f"{_CLEAN_UP} {task}"
