"""A testbed that runs, as the integration tests see it. It lasts for the whole run of pytest."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from koji_adjutant.config import Config, load_config
from koji_adjutant.journal.file import Event
from koji_adjutant.journal.reader import read_journal
from koji_adjutant.testbed.client import koji_command
from koji_adjutant.testbed.content import BUILD_TAG, TARGET
from koji_adjutant.testbed.description import Description
from koji_adjutant.testbed.engine.service import Engine
from koji_adjutant.testbed.layout import Layout
from koji_adjutant.testbed.tasks import Task, family, fault_of, task_output, wait_task
from tests.pace import patience

CLIENT_SECONDS = 300
OPTIONS = {
    # Images may be looked for in a registry.
    "KOJI_ADJUTANT_IMAGE_PULL_POLICY": "missing",
    # Workers of the tests have their files in memory, if it is large enough.
    "KOJI_ADJUTANT_BUILDROOT_CACHE_SIZE": "2G",
    "KOJI_ADJUTANT_DOWNLOAD_CACHE_SIZE": "2G",
}
"""The environment of the testbed's daemon, whoever starts it."""


@dataclass(frozen=True, kw_only=True)
class Build:
    """What a `koji build` did."""

    output: str
    returncode: int
    tasks: tuple[Task, ...]

    def task(self, method: str) -> Task:
        return next(task for task in self.tasks if task.method == method)


@dataclass(frozen=True, kw_only=True)
class Testbed:
    """Engine, hub and daemon; `session` is a logged-in administrator's."""

    __test__: ClassVar[bool] = False

    layout: Layout
    description: Description
    engine: Engine
    session: Any

    @property
    def topdir(self) -> Path:
        return Path(self.description.topdir)

    @property
    def config(self) -> Config:
        """The daemon's."""
        return load_config(self.layout.kojid_conf)

    def srpm(self, name: str) -> str:
        return self.description.srpms[name]

    def work_directories(self) -> list[str]:
        """Those of tasks, and what is in them; the daemon may remove them meanwhile."""
        above = str(self.layout.builder / "work" / "tasks")
        below = ((path, (*names, *files)) for path, names, files in os.walk(above) if path != above)
        return [f"{path}/{name}" for path, names in below for name in names]

    def koji(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The unmodified client, as administrator."""
        return subprocess.run(
            koji_command(self.layout, *arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=CLIENT_SECONDS * patience(),
        )

    def build(self, srpm: str | Path, *options: str, target: str = TARGET) -> Build:
        """`koji build --wait`, and the tasks that it made."""
        done = self.koji("build", "--wait", *options, target, str(srpm))
        numbers = [line.split()[-1] for line in done.stdout.splitlines() if line.startswith("Created task:")]
        tasks = tuple(task for number in numbers for task in family(self.session, int(number)))
        return Build(output=done.stdout, returncode=done.returncode, tasks=tasks)

    def wait_task(self, task_id: int, *, timeout: float = 120) -> Task:
        return wait_task(self.session, task_id, timeout=timeout * patience())

    def fault(self, task_id: int) -> str:
        return fault_of(self.session, task_id)

    def journal(self) -> Sequence[Event]:
        return read_journal(self.layout.journal)

    def output(self, task: Task) -> Path:
        """Where a task's uploads are, until its build is complete."""
        return task_output(self.topdir, task.id)

    def container_log(self, task: Task) -> Path:
        return self.topdir / "logs" / str(task.id) / "container.log"

    def regenerate(self, tag: str = BUILD_TAG) -> int:
        """A new repo of the tag; its id."""
        task = self.wait_task(self.session.newRepo(tag))
        assert task.state == "CLOSED", self.fault(task.id)
        return int(self.session.getRepo(tag)["id"])
