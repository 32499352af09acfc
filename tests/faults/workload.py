"""What is asked of the hub during a fault run: tasks of mixed kinds, always a few under way.

Tasks are made directly on the hub, as other people's would be, whatever stands between it and the daemon.
"""

import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import koji

from koji_adjutant.testbed.content import BUILD_TAG, TARGET
from koji_adjutant.testbed.tasks import ENDED
from tests.faults.packages import FAILING, GREEDY, HELLO, NEEDSDEPS, NOARCH, Source, make_source

NEW_REPO = "newRepo"
WEIGHTS = {HELLO: 6, NOARCH: 3, NEEDSDEPS: 2, FAILING: 2, NEW_REPO: 2}
UNDER_WAY = 4
UPLOADS = "cli-build/soak"
LONGEST_SLEEP = 4.0


@dataclass(kw_only=True)
class Job:
    """A task that somebody has made, and what has become of it."""

    task: int
    kind: str
    source: Source | None = None
    scratch: bool = False
    state: str = "FREE"
    canceled: bool = False

    @property
    def label(self) -> str:
        """How the table calls it."""
        return f"{self.kind} scratch" if self.scratch else self.kind

    @property
    def expected(self) -> str:
        """The only state that it may end in."""
        if self.canceled:
            return "CANCELED"
        return "FAILED" if self.kind in {FAILING, GREEDY} else "CLOSED"

    @property
    def is_over(self) -> bool:
        return self.state in ENDED

    def __str__(self) -> str:
        what = self.source.nvr if self.source else BUILD_TAG
        return f"task {self.task} ({self.label} {what})"


@dataclass(kw_only=True)
class Workload:
    """Makes tasks, and looks after them."""

    session: Any
    topdir: Path
    scratch_space: Path
    rng: Random
    jobs: list[Job] = field(default_factory=list)

    def keep_up(self) -> None:
        """Look at what is under way, and make more where there is room."""
        self.look()
        while len(list(self.under_way())) < UNDER_WAY:
            self.submit(self._kind())

    def submit(self, kind: str) -> Job:
        """Make one more task."""
        self.jobs.append(self._repo() if kind == NEW_REPO else self._build(kind))
        return self.jobs[-1]

    def look(self) -> None:
        """Ask the hub for the states of all tasks that are under way."""
        jobs = list(self.under_way())
        for job, info in zip(jobs, self.session.getTaskInfo([job.task for job in jobs]), strict=True):
            job.state = koji.TASK_STATES[info["state"]]

    def under_way(self) -> Iterator[Job]:
        return (job for job in self.jobs if not job.is_over)

    def cancel(self, job: Job) -> bool:
        """Cancel it as its owner would; False when it was over before."""
        self.session.cancelTask(job.task)
        job.state = koji.TASK_STATES[self.session.getTaskInfo(job.task)["state"]]
        job.canceled = job.state == "CANCELED"
        return job.canceled

    def running(self) -> list[dict[str, Any]]:
        """Tasks that the hub has as open, subtasks included."""
        found: list[dict[str, Any]] = self.session.listTasks(
            opts={"state": [koji.TASK_STATES["OPEN"]]}, queryOpts={"order": "id"}
        )
        return found

    def builds(self) -> int:
        """How many of the tasks are builds of packages."""
        return sum(job.source is not None for job in self.jobs)

    def counts(self) -> Counter[str]:
        return Counter(job.label for job in self.jobs)

    def _repo(self) -> Job:
        return Job(task=self.session.newRepo(BUILD_TAG), kind=NEW_REPO)

    def _build(self, kind: str) -> Job:
        sleep = self.rng.uniform(0.0, LONGEST_SLEEP)
        source = make_source(kind, len(self.jobs), sleep, self.scratch_space)
        uploaded = self.topdir / "work" / UPLOADS / source.path.name
        uploaded.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(source.path, uploaded)
        scratch = self.rng.random() < 0.5
        task = self.session.build(f"{UPLOADS}/{source.path.name}", TARGET, {"scratch": scratch})
        return Job(task=task, kind=kind, source=source, scratch=scratch)

    def _kind(self) -> str:
        (kind,) = self.rng.choices(list(WEIGHTS), list(WEIGHTS.values()))
        if kind == NEW_REPO and any(job.kind == NEW_REPO for job in self.under_way()):
            return HELLO
        return kind
