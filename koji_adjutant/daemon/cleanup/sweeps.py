"""What a sweep is: at the start, now and then, after one task, and at the end. Each runs in a helper process.

Every one of them may be repeated, and may be killed in the middle. None compares clocks to tell what lives: a task
says in its state file that it runs before it makes anything, and files are read after what there is was looked at.
"""

import time
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.buildroot.images import prewarm
from koji_adjutant.buildroot.images.unfinished import remove_unfinished
from koji_adjutant.buildroot.install.download_removal import remove_abandoned
from koji_adjutant.container.podman.conmon import end_lost_conmons
from koji_adjutant.container.podman.orphans import end_orphan_processes
from koji_adjutant.daemon.cleanup.containers import Sweeper, SweepIntervals, remove_workdir
from koji_adjutant.daemon.cleanup.leftovers import remove_old_files, remove_old_logs, remove_work_directories
from koji_adjutant.daemon.public.directory import OF_SERVER
from koji_adjutant.daemon.public.engine_facts import show_containers
from koji_adjutant.daemon.public.history import remove_history
from koji_adjutant.daemon.tasks.state import StateDirectory
from koji_adjutant.guards.interruptions import interruptions_directory
from koji_adjutant.handlers.base import Services
from koji_adjutant.host.files import DAY, remove_partial_below
from koji_adjutant.journal.phases import HostEvent
from koji_adjutant.journal.state import TaskState

COUNTED_SECONDS = DAY
CONTENT = "packages"
"""The directory of the package store is not searched for partial files: it is large, and has none."""


@dataclass(frozen=True, kw_only=True)
class Sweeps:
    """The sweeps of one daemon."""

    services: Services
    state: StateDirectory
    intervals: SweepIntervals = SweepIntervals()

    @property
    def _sweeper(self) -> Sweeper:
        services = self.services
        return Sweeper(
            manager=services.manager,
            journal=services.journal,
            worker=services.worker,
            intervals=self.intervals,
        )

    def everything(self, running: frozenset[int] = frozenset()) -> None:
        """Remove all that this worker has but the tasks `running`, while no other helper lives."""
        over = [state for state in self.state.tasks() if state.task not in running]
        for state in over:
            remove_workdir(state.workdir)
        self._sweeper.sweep_worker(running)
        self._remove_unfinished()
        work_directories = len(over) + self._remove_work_directories(running)
        self._remove_partial()
        for state in over:
            self.state.end(state.task)
        self._note(work_directories=work_directories)
        show_containers(self.services.config, self.services.manager)

    def again(self, running: frozenset[int], *, images: bool) -> None:
        """Remove what belongs to nobody. `images`: nobody makes images until this ends."""
        self._sweeper.sweep_leftovers(lambda: self._living(running), images=images)
        if images:
            self._remove_unfinished()
        work_directories = self._remove_work_directories(running)
        self._remove_partial()
        self._sweeper.sweep_unfinished()
        self._note(
            work_directories=work_directories,
            conmons=end_lost_conmons(self.services.manager, settle=self.intervals.settle),
            processes=end_orphan_processes(self.services.manager, settle=self.intervals.settle),
        )
        show_containers(self.services.config, self.services.manager)

    def task(self, state: TaskState) -> None:
        """Remove what one task has left, and its state file."""
        self._sweeper.sweep_task(state.task, state.workdir)
        self.state.end(state.task)

    def old_logs(self) -> None:
        """Remove logs of containers, and counts of interruptions, that are past their age."""
        config, now = self.services.config, time.time()
        self._note(
            container_logs=remove_old_logs(
                (Path(config.topdir), config.state_dir), config.container_log_age, now
            )
        )
        remove_old_files(interruptions_directory(config), COUNTED_SECONDS, now)

    def history(self) -> None:
        """Remove what is shown of tasks that ended long ago."""
        remove_history(self.services.config, lambda: self._living(frozenset()), time.time())

    def _living(self, running: frozenset[int]) -> frozenset[int]:
        return running | frozenset(state.task for state in self.state.tasks() if state.is_alive())

    def _note(self, **removed: int) -> None:
        """What was removed besides containers, each of which has an event of its own."""
        if any(removed.values()):
            self.services.journal.record(HostEvent.SWEEP_ENDED, removed=removed)

    def _remove_work_directories(self, running: frozenset[int]) -> int:
        workdir = Path(self.services.config.workdir)
        return remove_work_directories(workdir, lambda: self._living(running), time.time())

    def _remove_partial(self) -> None:
        """Remove the files that killed processes were writing."""
        cache = self.services.config.cache_dir
        remove_partial_below(self.state.path, but=(CONTENT, cache.name, OF_SERVER))
        remove_partial_below(cache, but=(CONTENT,))
        remove_abandoned(cache)

    def _remove_unfinished(self) -> None:
        config, worker = self.services.config, self.services.worker
        remove_unfinished(self.services.manager, config, worker)
        prewarm.remove_unfinished(config, worker)
