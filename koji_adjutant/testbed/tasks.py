"""Tasks of the hub, as the demo and the tests follow them."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault

import koji

from koji_adjutant.errors import AdjutantError

ENDED = frozenset({"CLOSED", "CANCELED", "FAILED"})
POLL_SECONDS = 0.1


class TaskDidNotEnd(AdjutantError):
    """A task was still running when somebody's patience was over."""


class RepoNotMade(AdjutantError):
    """A newRepo task failed."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task in the state it was seen in."""

    id: int
    method: str
    state: str
    arch: str
    created: float
    started: float
    ended: float

    @property
    def waited(self) -> float:
        """Seconds from its making to openTask."""
        return self.started - self.created

    @property
    def seconds(self) -> float:
        """From openTask to its end, by the hub's clock."""
        return self.ended - self.started


def task_of(session: Any, task_id: int) -> Task:
    """The task as it is now."""
    info = session.getTaskInfo(task_id, strict=True)
    return Task(
        id=info["id"],
        method=info["method"],
        state=koji.TASK_STATES[info["state"]],
        arch=info["arch"],
        created=info["create_ts"],
        started=info["start_ts"] or 0.0,
        ended=info["completion_ts"] or 0.0,
    )


def _never() -> None:
    """Nothing is known that would keep a task from beginning."""


def wait_task(
    session: Any, task_id: int, *, timeout: float = 300, is_hopeless: Callable[[], None] = _never
) -> Task:
    """The task, once it has ended in whatever way. TaskDidNotEnd after `timeout` seconds.

    `is_hopeless` is asked all the time, and raises when it is.
    """
    deadline = time.monotonic() + timeout
    while (task := task_of(session, task_id)).state not in ENDED:
        if time.monotonic() > deadline:
            raise TaskDidNotEnd(f"task {task_id} ({task.method}) is {task.state} after {timeout:.0f} s")
        is_hopeless()
        time.sleep(POLL_SECONDS)
    return task


def family(session: Any, task_id: int) -> Iterator[Task]:
    """A task and all that it has created, parents first."""
    yield task_of(session, task_id)
    for child in session.getTaskChildren(task_id):
        yield from family(session, child["id"])


def newest_task(session: Any) -> int:
    """The highest task id so far."""
    return int(session.listTasks(queryOpts={"order": "-id", "limit": 1})[0]["id"])


def tasks_after(session: Any, newest: int) -> tuple[Task, ...]:
    """Families of tasks that were made after task `newest`, parents first."""
    roots = [task["id"] for task in session.listTasks(opts={"parent": None}) if task["id"] > newest]
    return tuple(task for root in roots for task in family(session, root))


def new_repo(
    session: Any, tag: str, *, timeout: float = 300, is_hopeless: Callable[[], None] = _never
) -> int:
    """A new repo of `tag`, made by a task."""
    task = wait_task(session, session.newRepo(tag), timeout=timeout, is_hopeless=is_hopeless)
    if task.state != "CLOSED":
        raise RepoNotMade(
            f"task {task.id} (newRepo of {tag}) {task.state}: {fault_of(session, task.id)}",
            hint="its logs are below work/tasks of the topdir",
        )
    return int(session.getRepo(tag)["id"])


def task_output(topdir: Path, task_id: int) -> Path:
    """Where a task's uploads are."""
    return topdir / "work" / "tasks" / str(task_id % 10000) / str(task_id)


def fault_of(session: Any, task_id: int) -> str:
    """What a failed task says of itself."""
    try:
        session.getTaskResult(task_id)
    except koji.GenericError as error:
        return str(error)
    except Fault as error:
        return str(error.faultString)
    return ""
