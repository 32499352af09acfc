"""The scheduler: who is given what, and what is taken back. Time is the test's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import koji
import pytest

from koji_adjutant.testbed.hub.options import HubOptions
from koji_adjutant.testbed.hub.server import EmbeddedHub
from tests.unit.testbed.hub.served import Clock, Served
from tests.unit.testbed.hub.tasks.given import given, task

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.testbed.hub.served import Session


def state(admin: Session, task_id: int) -> str:
    return str(koji.TASK_STATES[admin.getTaskInfo(task_id)["state"]])


def test_priority_then_age_decides(served: Served, admin: Session) -> None:
    first, second = task(admin), task(admin)
    urgent = task(admin, priority=5)
    assert given(served.builder("b1")) == [urgent, first, second]


def test_a_host_gets_only_what_its_channels_and_arches_fit(served: Served, admin: Session) -> None:
    builder = served.builder("b1", channels=("default",))
    fitting = {task(admin), task(admin, arch="x86_64")}
    task(admin, arch="s390x")
    task(admin, channel="vm")
    assert set(given(builder)) == fitting


def test_a_disabled_channel_gives_nothing(served: Served, admin: Session) -> None:
    builder = served.builder("b1")
    task(admin, channel="createrepo")
    admin.disableChannel("createrepo")
    assert given(builder) == []


@pytest.mark.parametrize("why", ["not ready", "disabled"])
def test_a_host_that_is_not_ready_or_disabled_gets_nothing(served: Served, admin: Session, why: str) -> None:
    builder = served.builder("b1", ready=why != "not ready")
    if why == "disabled":
        admin.disableHost("b1")
    task(admin)
    assert given(builder) == []


def test_no_more_tasks_than_maxjobs(served: Served, admin: Session) -> None:
    builder = served.builder("b1", maxjobs=2)
    expected = [task(admin), task(admin), task(admin)][:2]
    assert given(builder) == expected
    assert given(builder) == expected


def test_capacity_ends_at_the_load_of_what_is_given(served: Served, admin: Session) -> None:
    builder = served.builder("b1", capacity=1.5)
    expected = [task(admin), task(admin), task(admin)][:2]
    # Each weighs 1.0: with one of them there is still capacity left, with two there is none.
    assert given(builder) == expected


def test_a_waiting_task_is_no_load(served: Served, admin: Session) -> None:
    builder = served.builder("b1", capacity=1.5)
    parent = task(admin)
    builder.host.openTask(parent)
    builder.host.setTaskWeight(parent, 2.0)
    more = task(admin)
    assert given(builder) == []
    child = builder.host.subtask("sleep", [0], parent, label="x")
    builder.host.taskSetWait(parent, [child])
    assert given(builder) == [child, more]


def test_a_heavy_task_may_overcommit_by_five(served: Served, admin: Session) -> None:
    builder = served.builder("b1", capacity=2.0)
    heavy = task(admin)
    builder.host.openTask(heavy)
    builder.host.setTaskWeight(heavy, 7.5)
    builder.host.freeTasks([heavy])
    assert given(builder) == []
    admin.editHost("b1", capacity=2.6)
    assert given(builder) == [heavy]


def test_tasks_are_spread_over_hosts(served: Served, admin: Session) -> None:
    one, two = served.builder("b1"), served.builder("b2")
    tasks = {task(admin), task(admin)}
    first, second = given(one), given(two)
    assert len(first) == len(second) == 1
    assert {*first, *second} == tasks


def test_a_task_that_nobody_opens_is_freed_and_its_host_barred(served: Served, admin: Session) -> None:
    builder, other = served.builder("b1"), served.builder("b2", ready=False)
    stuck = task(admin)
    assert given(builder) == [stuck]
    served.clock.now += 301
    builder.host.updateHost(0.0, True)
    other.host.updateHost(0.0, True)
    other.host.getTasks()
    assert state(admin, stuck) == "FREE"
    assert given(other) == [stuck]
    messages = [row["msg"] for row in admin.scheduler.getLogMessages([["task_id", stuck]])]
    assert "Host refused task: assignment timeout" in messages


def test_a_silent_host_is_not_ready_after_180_seconds(served: Served, admin: Session) -> None:
    served.builder("b1")
    watcher = served.builder("b2", ready=False)
    served.clock.now += 179
    watcher.host.getTasks()
    assert admin.getHost("b1")["ready"] is True
    served.clock.now += 2
    watcher.host.getTasks()
    assert admin.getHost("b1")["ready"] is False


def test_a_silent_host_loses_its_open_tasks_after_900_seconds(served: Served, admin: Session) -> None:
    builder, watcher = served.builder("b1"), served.builder("b2", ready=False)
    lost = task(admin)
    assert given(builder) == [lost]
    builder.host.openTask(lost)
    served.clock.now += 899
    watcher.host.getTasks()
    assert state(admin, lost) == "OPEN"
    served.clock.now += 2
    watcher.host.getTasks()
    assert state(admin, lost) == "FREE"


def test_a_task_assigned_by_hand_is_never_taken_away(served: Served, admin: Session) -> None:
    served.builder("b1")
    watcher = served.builder("b2", ready=False)
    kept = task(admin)
    assert admin.assignTask(kept, "b1", override=True) is True
    served.clock.now += 5000
    watcher.host.getTasks()
    assert state(admin, kept) == "ASSIGNED"


def test_one_run_per_interval_for_all_hosts(tmp_path: Path) -> None:
    clock = Clock()
    with EmbeddedHub(tmp_path, HubOptions(run_interval=60, clock=clock)) as hub:
        hub.bootstrap("admin", "admin")
        served = Served(hub=hub, clock=clock)
        with served._undo:
            admin, builder = served.login("admin"), served.builder("b1")
            assert given(builder) == []
            late = task(admin)
            clock.now += 59
            assert given(builder) == []
            clock.now += 1
            assert given(builder) == [late]
