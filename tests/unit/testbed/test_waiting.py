"""What a person is told who waits for tasks that the builder does not take."""

import time

import pytest

from koji_adjutant.journal.state import write_readiness
from koji_adjutant.testbed import builder
from koji_adjutant.testbed.layout import Layout
from koji_adjutant.testbed.tasks import wait_task
from koji_adjutant.testbed.waiting import SECONDS, IdleBuilderCheck, NoTasksTaken
from tests.unit.testbed.idle_builder import REASON, Session, not_ready


def test_the_reason_is_said_at_once(layout: Layout) -> None:
    write_readiness(layout.state_dir, not_ready(REASON))
    session = Session()
    began = time.monotonic()
    with pytest.raises(NoTasksTaken) as raised:
        wait_task(session, 7, timeout=60, is_hopeless=IdleBuilderCheck(session, layout, seconds=0.2))
    assert time.monotonic() - began < 60 / 2
    assert REASON in raised.value.message
    assert str(builder.log_of(layout)) in raised.value.hint


def test_a_daemon_that_works_or_begins_is_waited_for(layout: Layout) -> None:
    now = [0.0]
    session = Session()
    check = IdleBuilderCheck(session, layout, clock=lambda: now[0])
    for reason, tasks in (
        (REASON, ()),
        (None, ()),
        ("Full queue: 1 tasks, maxjobs 1", ({"id": 8},)),
        (REASON, ()),
    ):
        write_readiness(layout.state_dir, not_ready(reason))
        session.open_tasks = tasks
        for _ in range(3):
            check()
            now[0] += SECONDS / 3 - 0.1
    now[0] += 1.0
    with pytest.raises(NoTasksTaken):
        check()
