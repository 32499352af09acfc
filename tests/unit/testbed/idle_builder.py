"""A builder that takes no tasks, and a hub with one that waits."""

from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.journal.state import NotReady, Obstacle
from koji_adjutant.testbed.layout import Layout

REASON = "Insufficient disk space at /: 3 MB, minspace 1024 MB"


class Session:
    """A hub with one task that nobody takes."""

    open_tasks: tuple[Any, ...] = ()

    def listTasks(self, opts: Any) -> Any:  # noqa: N802
        return list(self.open_tasks)

    def getTaskInfo(self, task: int, strict: bool) -> Any:  # noqa: N802
        free = {"id": task, "method": "newRepo", "state": 0, "arch": "noarch"}
        return {**free, "create_ts": 0.0, "start_ts": None, "completion_ts": None}


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(directory=tmp_path)
    made.state_dir.mkdir(parents=True)
    return made


def not_ready(reason: str | None) -> NotReady | None:
    return NotReady(obstacle=Obstacle.SPACE, reason=reason) if reason else None
