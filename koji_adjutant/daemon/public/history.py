"""How long the past is shown: facts and logs of tasks that have ended go by their age, and logs by their size.

A task has ended when no state file names it; it is as old as what was last written of it. Of logs that are too large
together, those of the tasks that ended first go first; those of running tasks stay, whatever their size. Runs in a
helper process, and may be killed in the middle.
"""

import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.config import Config
from koji_adjutant.journal.public import LOGS, TASKS, logs_directory, public_directory, task_facts_file

logger = logging.getLogger("koji.adjutant.daemon.public")


@dataclass(frozen=True, kw_only=True)
class PastTask:
    """What is left of a task. `ended` is a time of day, `size` the bytes of its logs."""

    task: int
    ended: float
    size: int


def remove_history(config: Config, living: Callable[[], frozenset[int]], now: float) -> int:
    """Remove what is too old or too much, or everything where nothing is to be shown; how many tasks that was of."""
    if not config.monitoring_enabled:
        shutil.rmtree(public_directory(config.state_dir), ignore_errors=True)
        return 0
    found = sorted(_tasks(config.state_dir), key=lambda one: one.ended)
    tasks = living()
    # A clock that was set back makes nothing young for ever.
    over = [one for one in found if one.task not in tasks]
    old = {one.task for one in over if not -1 < now - one.ended <= config.monitoring_task_history_ttl}
    size = sum(one.size for one in found if one.task not in old)
    for one in over:
        if one.task in old:
            _remove(config.state_dir, one.task)
        elif size > config.monitoring_logs_size and one.size:
            logger.info("the logs of task %d are shown no more: all together are too large", one.task)
            shutil.rmtree(logs_directory(config.state_dir, one.task), ignore_errors=True)
            size -= one.size
    return len(old)


def _remove(state_dir: Path, task: int) -> None:
    shutil.rmtree(logs_directory(state_dir, task), ignore_errors=True)
    # Last: what is left of it is found by its name.
    with suppress(OSError):
        task_facts_file(state_dir, task).unlink()


def _tasks(state_dir: Path) -> Iterator[PastTask]:
    public = public_directory(state_dir)
    names = {path.stem for path in _entries(public / TASKS) if path.suffix == ".json"}
    names |= {path.name for path in _entries(public / LOGS)}
    for name in names:
        if name.isdecimal():
            task = int(name)
            looks = [look for path in _entries(logs_directory(state_dir, task)) if (look := _look(path))]
            facts = _look(task_facts_file(state_dir, task))
            written = [look.st_mtime for look in (*looks, *((facts,) if facts else ()))]
            yield PastTask(
                task=task, ended=max(written, default=0.0), size=sum(look.st_size for look in looks)
            )


def _entries(directory: Path) -> list[Path]:
    try:
        return list(directory.iterdir())
    except OSError:
        return []


def _look(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except OSError:
        return None
