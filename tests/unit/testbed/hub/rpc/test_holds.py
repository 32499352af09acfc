"""What an unfinished upload holds, and who waits for it."""

import threading
from pathlib import Path

import koji
import pytest

from koji_adjutant.testbed.hub.rpc.holds import Holds, Row, RowHeld
from tests.waiting import PATIENCE

FILE, TASK = Path("/work/a.log"), Row(table="task", id=7)


def test_its_file_and_its_rows_are_nobody_elses() -> None:
    holds = Holds()
    holds.take(FILE, frozenset({TASK}))
    with pytest.raises(koji.LockError, match=r"a\.log is being written"):
        holds.take(FILE, frozenset())
    with pytest.raises(RowHeld) as held:
        holds.require_free_row("task", 7)
    assert held.value.row == TASK
    holds.require_free_row("task", 8)
    holds.require_free_row("sessions", 7)
    holds.require_free_file(Path("/work/b.log"))


def test_they_are_given_back_whatever_happens() -> None:
    holds = Holds()
    holds.take(FILE, frozenset({TASK}))
    with pytest.raises(RuntimeError), holds.releasing(FILE, frozenset({TASK})):
        raise RuntimeError("the client is gone")
    holds.require_free_file(FILE)
    holds.require_free_row("task", 7)


def test_who_waits_goes_on_when_the_last_byte_is_there() -> None:
    holds, free = Holds(), threading.Event()
    holds.take(FILE, frozenset({TASK}))

    def wait() -> None:
        holds.wait_until_free(TASK)
        free.set()

    thread = threading.Thread(target=wait)
    thread.start()
    assert not free.is_set()
    with holds.releasing(FILE, frozenset({TASK})):
        assert not free.is_set()
    assert free.wait(PATIENCE)
    thread.join()
