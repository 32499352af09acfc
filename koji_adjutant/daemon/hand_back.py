"""The last calls of a daemon that ends: its tasks are free, its host takes none, its session is over.

Each is made twice when the first has no answer: a connection may have been cut by the very signal that ends us. What
the hub refuses keeps the others from nothing; of a hub that is away no more is asked, since it frees the tasks of a
host that is silent by itself.
"""

import time
from collections.abc import Callable

import koji
import requests

from koji_adjutant.errors import Problem
from koji_adjutant.hub.session import HubSession
from koji_adjutant.journal.phases import GivenBack, Journal, Phase

LAST_CALL_SECONDS = 4.0
"""For one call: a service manager waits for 30 seconds altogether."""

AGAIN_SECONDS = 0.2


def hand_back(
    session: HubSession, journal: Journal, *, sleep: Callable[[float], None] = time.sleep
) -> Problem | None:
    """Give everything back to the hub; what it was not told, or refused, None when it has taken all."""
    session.opts = {**session.opts, "timeout": LAST_CALL_SECONDS}
    refused: list[str] = []
    steps = (lambda: _free_tasks(session, journal), lambda: _take_no_more(session), session.logout)
    try:
        for step in steps:
            try:
                _twice(step, sleep)
            except koji.GenericError as error:
                refused.append(str(error))
    except requests.RequestException as error:
        refused.append(str(error))
    return Problem("; ".join(refused)) if refused else None


def _twice(step: Callable[[], None], sleep: Callable[[float], None]) -> None:
    try:
        step()
    except (requests.RequestException, koji.RetryError):
        sleep(AGAIN_SECONDS)
        step()


def _free_tasks(session: HubSession, journal: Journal) -> None:
    # The hub is asked which they are, because one may have been opened in the very moment of the signal.
    tasks = [task["id"] for task in session.call_once("host.getHostTasks")]
    session.call_once("host.freeTasks", tasks)
    for task in tasks:
        journal.record(Phase.FREED, task=task, reason=GivenBack.STOP, why="the daemon stops")


def _take_no_more(session: HubSession) -> None:
    session.call_once("host.updateHost", task_load=0.0, ready=False)
