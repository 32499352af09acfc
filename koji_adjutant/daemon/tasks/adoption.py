"""Task processes of an earlier main process: those that can go on do, the others are ended.

A process is known by its pid, its start time and the boot: a pid that somebody else has got meanwhile is never taken
for it. It is held by a pidfd from then on. Who is not understood is ended before its task may be taken again.
"""

import logging
import os
from typing import Any, cast

from koji_adjutant.daemon.sessions import hand_out, requested_sessions
from koji_adjutant.daemon.tasks.processes import Child, kill_group, stop_all, wait_for_all
from koji_adjutant.daemon.tasks.state import StateDirectory
from koji_adjutant.daemon.tasks.task_process import TaskProcess
from koji_adjutant.hub.session import HubSession
from koji_adjutant.journal.state import TaskState, UnreadableState

KILL_SECONDS = 5.0

logger = logging.getLogger("koji.adjutant.daemon.tasks")


def adopt(state: TaskState) -> TaskProcess | None:
    """Take hold of the process of a state file; None when it does not run any more."""
    child = _hold(state)
    if child is None:
        return None
    logger.warning("Adopting task %s (%s, pid %s)", state.task, state.method, state.pid)
    return TaskProcess(task=state.task, child=child, session_id=None, is_adopted=True)


def give_sessions(directory: StateDirectory, session: HubSession, processes: dict[int, TaskProcess]) -> None:
    """Give a subsession to each task process that was adopted, or has lost its own."""
    lost = {task for task, process in processes.items() if process.session_id is None}
    for task, refused in requested_sessions(directory):
        if task in processes and processes[task].session_id in (None, refused):
            lost.add(task)
    for task in sorted(task for task in lost if processes[task].kill_at is None):
        subsession = session.subsession()
        try:
            hand_out(directory, task, cast("dict[str, Any]", subsession.sinfo))
        except OSError:
            subsession.logout()
            raise
        logger.info("Task %s gets session %s", task, subsession.session_id)
        processes[task] = processes[task].with_session(subsession.session_id)
        subsession.forget()


def end_unreadable(directory: StateDirectory, unreadable: UnreadableState, workdir: str) -> None:
    """End the process of a file that is not understood; what it leaves is cleaned up after as any other's.

    The file stays as it is while the process lives, and with it the task is not taken.
    """
    logger.warning("task %s: its state file is not understood: %s", unreadable.task, unreadable.problem)
    child = _hold(unreadable)
    if child is not None:
        logger.warning("task %s: killing its process %s", unreadable.task, child.pid)
        kill_group(child.pid)
        if not wait_for_all([child], KILL_SECONDS):
            logger.error("task %s: process %s cannot be killed", unreadable.task, child.pid)
            os.close(child.pidfd)
            return
        child.reap()
    known = TaskState(
        task=unreadable.task,
        method="",
        pid=unreadable.pid,
        start_time=unreadable.start_time,
        workdir=workdir,
        boot_id=unreadable.boot_id,
    )
    directory.save(known)


def end_all(directory: StateDirectory, grace: float) -> None:
    """End all task processes; what they leave is cleaned up after by the next main process."""
    children = [child for state in directory.tasks() if (child := _hold(state)) is not None]
    stop_all(children, grace)


def _hold(known: TaskState | UnreadableState) -> Child | None:
    if not known.is_alive():
        return None
    try:
        pidfd = os.pidfd_open(known.pid)
    except ProcessLookupError:
        return None
    # Looked at again: from here on the pid cannot become another's unnoticed.
    if not known.is_alive():
        os.close(pidfd)
        return None
    return Child(name=f"task {known.task}", pid=known.pid, pidfd=pidfd)
