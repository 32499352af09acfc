"""What a sweep is: at the start, now and then, after one task, and at the end. Each runs in a helper process.

Every one of them may be repeated, and may be killed in the middle. None compares clocks to tell what lives: a task
says in its state file that it runs before it makes anything, and files are read after what there is was looked at.
"""

import time
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.buildroot import prewarm
from koji_adjutant.buildroot.half_made import remove_half_made
from koji_adjutant.buildroot.image_maker import remove_unfinished
from koji_adjutant.daemon.monitors import end_lost_monitors
from koji_adjutant.daemon.orphans import end_orphans
from koji_adjutant.daemon.state import StateDirectory, TaskState
from koji_adjutant.daemon.strays import remove_old_files, remove_old_logs, remove_work_directories
from koji_adjutant.daemon.sweep import Sweeper, remove_workdir
from koji_adjutant.handlers.base import Services
from koji_adjutant.task_adapters.interruptions import interruptions_directory

COUNTED_SECONDS = 86400.0


@dataclass(frozen=True, kw_only=True)
class Sweeps:
    """The sweeps of one daemon."""

    services: Services
    state: StateDirectory

    @property
    def _sweeper(self) -> Sweeper:
        services = self.services
        return Sweeper(manager=services.manager, journal=services.journal, worker=services.worker)

    def everything(self, running: frozenset[int] = frozenset()) -> None:
        """All that is this worker's but `running`, while no other helper lives."""
        over = [state for state in self.state.tasks() if state.task not in running]
        for state in over:
            remove_workdir(state.workdir)
        self._sweeper.sweep_worker(running)
        self._remove_unfinished()
        self._remove_work_directories(running)
        for state in over:
            self.state.end(state.task)

    def again(self, running: frozenset[int], *, images: bool) -> None:
        """What belongs to nobody. `images`: none are made until this ends."""
        self._sweeper.sweep_strays(lambda: self._living(running), images=images)
        if images:
            self._remove_unfinished()
        self._remove_work_directories(running)
        self.state.remove_abandoned()
        self._sweeper.sweep_half_made()
        end_lost_monitors(self.services.manager)
        end_orphans(self.services.manager)

    def task(self, state: TaskState) -> None:
        """What one task has left."""
        self._sweeper.sweep_task(state.task, state.workdir)
        self.state.end(state.task)

    def old_logs(self) -> None:
        """Logs of containers, and counts, past their age."""
        config, now = self.services.config, time.time()
        remove_old_logs((Path(config.topdir), config.state_dir), config.container_log_age, now)
        remove_old_files(interruptions_directory(config), COUNTED_SECONDS, now)

    def _living(self, running: frozenset[int]) -> frozenset[int]:
        return running | frozenset(state.task for state in self.state.tasks() if state.is_alive())

    def _remove_work_directories(self, running: frozenset[int]) -> None:
        workdir = Path(self.services.config.workdir)
        remove_work_directories(workdir, lambda: self._living(running), time.time())

    def _remove_unfinished(self) -> None:
        config, worker = self.services.config, self.services.worker
        remove_half_made(self.services.manager, config, worker)
        remove_unfinished(config, worker)
        prewarm.remove_unfinished(config, worker)
