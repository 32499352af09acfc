"""Leftovers of tasks on disk, which nobody else removes: work directories that no state file names, old logs.

A task's own work directory goes with its state file (koji_adjutant.daemon.cleanup.containers). A leftover has lost its
state file, or never had one: it goes by its age, which is that of the youngest thing in it. Runs in helper processes.
"""

import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from koji_adjutant.host.files import DAY, JUMP

WORKDIR_SECONDS = DAY
"""A task of another daemon that shares the directory writes to its logs more often than that."""
LEVELS = 3
"""How deep in a work directory the youngest file is looked for: its own files, its logs, what it has copied."""
CONTAINER_LOG = "container.log"

logger = logging.getLogger("koji.adjutant.daemon.cleanup")


def remove_work_directories(workdir: Path, living: Callable[[], frozenset[int]], now: float) -> int:
    """Remove the work directories of tasks that do not run here and that nothing was written to for a day; how many."""
    found = list(_task_directories(workdir / "tasks"))
    tasks, removed = living(), 0
    for task, directory in found:
        if task not in tasks and now - _touched(directory) > WORKDIR_SECONDS + JUMP:
            logger.warning("work directory %s belongs to no task and is removed", directory)
            shutil.rmtree(directory, ignore_errors=True)
            removed += 1
    for above in (workdir / "tasks").glob("*"):
        # One that is not empty stays.
        with suppress(OSError):
            above.rmdir()
    return removed


def _task_directories(tasks: Path) -> Iterator[tuple[int, Path]]:
    """`tasks/<last digits>/<task id>`, as Koji names them."""
    for directory in tasks.glob("*/*"):
        if directory.name.isdigit() and directory.is_dir() and not directory.is_symlink():
            yield int(directory.name), directory


def _touched(directory: Path, levels: int = LEVELS) -> float:
    """When something in `directory` was last written, as a time of day, `levels` directories deep."""
    latest = 0.0
    with suppress(FileNotFoundError, NotADirectoryError):
        latest = directory.lstat().st_mtime
        if levels:
            with os.scandir(directory) as entries:
                latest = max([latest, *(_entry_touched(entry, levels) for entry in entries)])
    return latest


def _entry_touched(entry: os.DirEntry[str], levels: int) -> float:
    if entry.is_dir(follow_symlinks=False):
        return _touched(Path(entry.path), levels - 1)
    with suppress(FileNotFoundError):
        return entry.stat(follow_symlinks=False).st_mtime
    return 0.0


def remove_old_logs(places: tuple[Path, ...], age: float, now: float) -> int:
    """Remove `<place>/logs/<task id>/container.log` where it was not written for `age` seconds; how many were.

    The task's directory goes too when nothing else is in it; files that are not the daemon's stay.
    """
    removed = 0
    for place in places:
        try:
            with os.scandir(place / "logs") as entries:
                removed += sum(_remove_old_log(entry, now - age - JUMP) for entry in entries)
        except FileNotFoundError:
            continue
        except OSError as error:
            logger.warning("old logs below %s stay: %s", place, error)
    if removed:
        logger.info("%d old container logs are removed", removed)
    return removed


def remove_old_files(directory: Path, age: float, now: float) -> None:
    """Remove the files of `directory` that were not written for `age` seconds."""
    for file in directory.glob("*"):
        with suppress(FileNotFoundError):
            if file.lstat().st_mtime < now - age - JUMP:
                file.unlink()


def _remove_old_log(entry: os.DirEntry[str], before: float) -> bool:
    if not entry.name.isdigit() or not entry.is_dir(follow_symlinks=False):
        return False
    log = Path(entry.path) / CONTAINER_LOG
    try:
        if log.lstat().st_mtime >= before:
            return False
        log.unlink()
    except FileNotFoundError:
        return False
    with suppress(OSError):
        log.parent.rmdir()
    return True
