"""Whether a task is still ours after a silence."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import koji
import pytest

from koji_adjutant.errors import TaskCanceled
from koji_adjutant.hub.claim import FILE, SILENCE_SECONDS, TAKE_BACK_SECONDS, HubContact, TaskClaim

TASK, HOST = 5, 1
OTHER = 2


@dataclass
class Clock:
    now: float = 5000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Hub:
    """A hub with one task."""

    state: str = "OPEN"
    host: int | None = HOST
    is_answer_lost: bool = False
    opened: int = 0
    calls: list[str] = field(default_factory=list)

    def callMethod(self, name: str, *args: Any, **_: Any) -> Any:  # noqa: N802 - the library's name
        assert args == (TASK,)
        self.calls.append(name)
        if name == "getTaskInfo":
            return {"state": koji.TASK_STATES[self.state], "host_id": self.host}
        assert name == "host.openTask"
        if self.state not in ("FREE", "ASSIGNED") or self.host not in (None, HOST):
            return None
        self.state, self.host = "OPEN", HOST
        self.opened += 1
        if self.is_answer_lost:
            raise koji.RetryError("lost")
        return {"id": TASK}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def contact(tmp_path: Path, clock: Clock) -> HubContact:
    """Of a host that polls every 5 seconds and has done so for long."""
    made = HubContact(tmp_path, 5, clock)
    made.seen()
    clock.now += SILENCE_SECONDS + TAKE_BACK_SECONDS
    for _ in range(3):
        made.seen()
        clock.now += 5
    return made


@pytest.fixture
def claim(contact: HubContact) -> TaskClaim:
    return TaskClaim(task=TASK, host=HOST, contact=contact)


def test_polls_are_no_gap(contact: HubContact, clock: Clock) -> None:
    # The fixture's own long wait ended 15 seconds ago.
    assert contact.is_after_gap()
    for _ in range(30):
        contact.seen()
        clock.now += 5
    assert not contact.is_after_gap()


@pytest.fixture
def steady(contact: HubContact, clock: Clock) -> HubContact:
    for _ in range(30):
        contact.seen()
        clock.now += 5
    return contact


def test_a_silence_is_a_gap_while_it_lasts_and_a_while_longer(steady: HubContact, clock: Clock) -> None:
    clock.now += SILENCE_SECONDS + 5
    end = clock.now + TAKE_BACK_SECONDS
    while clock.now < end:
        assert steady.is_after_gap()
        steady.seen()
        clock.now += 5
    assert not steady.is_after_gap()


def test_a_gap_before_a_task_began_is_none_to_it(contact: HubContact, clock: Clock) -> None:
    assert contact.is_after_gap(since=clock.now - 60)
    assert not contact.is_after_gap(since=clock.now - 1)
    clock.now += SILENCE_SECONDS + 6
    assert contact.is_after_gap(since=clock.now - 1)


def test_while_nobody_polls_there_is_a_gap(steady: HubContact, tmp_path: Path, clock: Clock) -> None:
    assert not steady.is_after_gap()
    assert HubContact(tmp_path, 5, clock, is_silent=lambda: True).is_after_gap(since=clock.now)


def test_a_new_main_process_begins_with_a_gap(steady: HubContact) -> None:
    steady.lost()
    assert steady.is_after_gap()
    steady.seen()
    assert steady.is_after_gap()


def test_another_boot_and_a_damaged_file_are_gaps(steady: HubContact, clock: Clock, tmp_path: Path) -> None:
    clock.now -= 4000
    assert steady.is_after_gap()
    clock.now += 4000
    assert not steady.is_after_gap()
    for content in ("", "[]", '{"seen": []}', '{"when": 1}'):
        (tmp_path / FILE).write_text(content)
        assert steady.is_after_gap()


def test_a_disk_that_is_full_does_not_end_the_daemon(tmp_path: Path, clock: Clock) -> None:
    HubContact(tmp_path / "missing", 5, clock).seen()


@pytest.mark.parametrize(("state", "host"), [("FREE", None), ("ASSIGNED", HOST)])
@pytest.mark.parametrize("is_answer_lost", [False, True])
def test_what_was_freed_for_our_silence_is_taken_back(
    steady: HubContact, clock: Clock, state: str, host: int | None, is_answer_lost: bool
) -> None:
    clock.now += 900
    hub = Hub(state=state, host=host, is_answer_lost=is_answer_lost)
    claim = TaskClaim(task=TASK, host=HOST, contact=steady)
    assert claim.was_refused(hub)
    assert (hub.state, hub.host, hub.opened) == ("OPEN", HOST, 1)
    claim.require(hub)
    assert hub.opened == 1


@pytest.mark.parametrize(("state", "host"), [("FREE", None), ("ASSIGNED", HOST)])
def test_what_was_freed_without_a_silence_is_not(steady: HubContact, state: str, host: int | None) -> None:
    hub = Hub(state=state, host=host)
    assert not TaskClaim(task=TASK, host=HOST, contact=steady).was_refused(hub)
    assert not hub.opened


@pytest.mark.parametrize(
    ("state", "host"), [("OPEN", OTHER), ("ASSIGNED", OTHER), ("CANCELED", HOST), ("CLOSED", HOST)]
)
def test_what_is_not_ours_is_left_alone(claim: TaskClaim, clock: Clock, state: str, host: int) -> None:
    clock.now += 900
    hub = Hub(state=state, host=host)
    with pytest.raises(TaskCanceled, match="task 5 is not open on this host"):
        claim.require(hub)
    assert "host.openTask" not in hub.calls


def test_a_refusal_may_have_other_reasons(claim: TaskClaim) -> None:
    hub = Hub()
    assert not claim.was_refused(hub)
    assert hub.calls == ["getTaskInfo"]
