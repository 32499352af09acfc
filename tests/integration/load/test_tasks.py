"""Many tasks, and none: what the main process takes of the hub, of memory, and how it keeps time."""

import itertools
import time
from typing import Any

import pytest

from koji_adjutant.testbed.services import resident_kb
from tests.hubs import HOST
from tests.integration.daemon.kojid_process import Kojid
from tests.integration.load.conftest import Requests
from tests.pace import slowness
from tests.waiting import eventually, lasts

SLEEPERS = 50
SLEEP_SECONDS = 12
HEARTBEAT_SECONDS = 30.0
MAIN_PROCESS_KB = 70 * 1024
GROWTH_KB = 2 * 1024
WARM = 30
"""Tasks after which nothing is done for the first time."""
IDLE_SECONDS = 30.0
IDLE_REQUESTS_A_MINUTE = 20.0
KOJIDS_POLLS_A_MINUTE = 4.0
MINUTE = 60.0
CAPACITY = 100.0
POLL = "multiCall"


def make_room(kojid: Kojid) -> dict[str, str]:
    """Capacity and maxjobs for all of them."""
    kojid.hub.admin.editHost(HOST, capacity=CAPACITY)
    return {"maxjobs": str(2 * SLEEPERS)}


def states(kojid: Kojid, tasks: list[int]) -> set[str]:
    return {kojid.task_state(task) for task in tasks}


def refusals(kojid: Kojid) -> list[Any]:
    return list(kojid.hub.admin.scheduler.getTaskRefusals())


@pytest.mark.timing
def test_many_at_a_time(kojid: Kojid, requests_seen: Requests, figures: list[str]) -> None:
    with kojid.running(**make_room(kojid)) as process:
        eventually(lambda: kojid.hub.admin.getHost(HOST)["ready"], "ready")
        began = time.monotonic()
        tasks = [kojid.hub.admin.makeTask("sleep", [SLEEP_SECONDS]) for _ in range(SLEEPERS)]
        eventually(lambda: states(kojid, tasks) == {"OPEN"}, "all of them run at a time")
        resident = resident_kb(process.pid)
        eventually(lambda: states(kojid, tasks) == {"CLOSED"}, "all are done")
        polls = requests_seen.since(began, POLL)
    gaps = [after - before for before, after in itertools.pairwise(polls)]
    figures.append(
        f"{SLEEPERS} sleepers: {polls[-1] - began:.1f} s, longest silence {max(gaps):.1f} s, {resident} KB"
    )
    assert resident <= MAIN_PROCESS_KB
    assert max(gaps) <= HEARTBEAT_SECONDS * slowness()
    assert refusals(kojid) == []
    assert kojid.leftovers() == []


def test_one_after_the_other(kojid: Kojid, request: pytest.FixtureRequest, figures: list[str]) -> None:
    """Memory stays what it is: `--load-tasks 1000` says more than the few of every day."""
    number = request.config.getoption("load_tasks")
    with kojid.running(**make_room(kojid)) as process:
        run(kojid, WARM)
        before = resident_kb(process.pid)
        for _ in range(0, number, SLEEPERS):
            run(kojid, min(number, SLEEPERS))
        after = resident_kb(process.pid)
    figures.append(f"{before} KB after {WARM} tasks, {after} KB after {number} more")
    assert after <= MAIN_PROCESS_KB
    assert after - before <= GROWTH_KB


def run(kojid: Kojid, number: int) -> None:
    tasks = [kojid.hub.admin.makeTask("sleep", [0]) for _ in range(number)]
    eventually(lambda: states(kojid, tasks) == {"CLOSED"}, f"{number} tasks are done")


@pytest.mark.timing
def test_none_at_all(usual_kojid: Kojid, requests_seen: Requests, figures: list[str]) -> None:
    with usual_kojid.running() as process:
        eventually(lambda: usual_kojid.hub.admin.getHost(HOST)["ready"], "ready")
        settled = time.monotonic()
        eventually(lambda: requests_seen.since(settled, POLL), "the first sleep is over")
        began = time.monotonic()
        lasts(lambda: process.poll() is None, "the daemon", seconds=IDLE_SECONDS, step=1.0)
        taken = len(requests_seen.since(began))
        polls = len(requests_seen.since(began, POLL))
    scale = MINUTE / IDLE_SECONDS
    figures.append(f"idle: {taken * scale:.0f} requests a minute, {polls * scale:.0f} polls")
    assert taken * scale <= IDLE_REQUESTS_A_MINUTE
    assert (polls + 1) * scale >= 3 * KOJIDS_POLLS_A_MINUTE
