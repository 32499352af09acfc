"""Bursts of polls: when they come, when they stop, and what they cost a hub."""

import math
from dataclasses import dataclass, field

import pytest

from koji_adjutant.daemon.wakeup import Bursts

SLEEPTIME = 5.0


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Loop:
    """A main loop, and the times at which it polls; a hub has a task for it at those times of `tasks`."""

    clock: Clock = field(default_factory=Clock)
    polls: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.bursts = Bursts(self.clock)

    def poll(self, *, found: bool = False) -> None:
        self.polls.append(self.clock.now)
        self.bursts.polled(found=found)

    def sleep_until(self, end: float) -> None:
        """Sleep and poll as the main loop does, with nothing to be found, until something else happens."""
        while (at := self.clock.now + min(SLEEPTIME, self.bursts.seconds())) < end:
            self.clock.now = at
            self.poll()
        self.clock.now = end

    def woken(self, *, found: bool = False) -> None:
        """A subtask was made, or a task ended: the loop polls at once."""
        self.bursts.begin()
        self.poll(found=found)


@pytest.fixture
def loop() -> Loop:
    return Loop()


def test_an_idle_daemon_polls_as_ever(loop: Loop) -> None:
    assert loop.bursts.seconds() == math.inf
    loop.sleep_until(1060)
    assert loop.polls == [1005.0 + 5 * number for number in range(11)]


def test_two_polls_follow(loop: Loop) -> None:
    loop.woken()
    loop.sleep_until(1010)
    assert loop.polls == [1000, 1001, 1002, 1007]


def test_another_one_meanwhile_begins_anew(loop: Loop) -> None:
    loop.woken()
    loop.sleep_until(1001.5)
    loop.woken()
    loop.sleep_until(1005)
    assert loop.polls == [1000, 1001, 1001.5, 1002.5, 1003.5]


def test_a_task_that_is_found_does_not_end_it(loop: Loop) -> None:
    """What another parent has made meanwhile may come with the next run."""
    loop.woken(found=True)
    assert loop.bursts.seconds() == 1.0


def test_a_poll_for_another_reason_takes_nothing_away(loop: Loop) -> None:
    loop.woken()
    loop.clock.now += 0.5
    loop.poll()
    assert loop.bursts.seconds() == 0.5


def test_one_that_was_missed_counts_as_none(loop: Loop) -> None:
    """A poll that failed: the loop must not go round and round for it."""
    loop.bursts.begin()
    loop.clock.now += 1.0
    assert loop.bursts.seconds() == 1.0
    loop.clock.now += 1.5
    assert loop.bursts.seconds() == math.inf


def test_three_in_vain_are_the_last(loop: Loop) -> None:
    for _ in range(4):
        loop.woken()
        loop.sleep_until(loop.clock.now + 4)
    assert len(loop.polls) == 4 + 3 * 2


def test_they_come_back_when_any_poll_finds_a_task(loop: Loop) -> None:
    for _ in range(4):
        loop.woken()
        loop.sleep_until(loop.clock.now + 4)
    loop.poll(found=True)
    loop.woken()
    assert loop.bursts.seconds() == 1.0


def test_where_they_find_tasks_they_go_on(loop: Loop) -> None:
    for _ in range(20):
        loop.woken()
        loop.clock.now += loop.bursts.seconds()
        loop.poll(found=True)
        loop.sleep_until(loop.clock.now + 1)
    loop.woken()
    assert loop.bursts.seconds() == 1.0


@pytest.mark.parametrize("pause", [0.3, 1.0, 1.5, 3.0, 7.0])
def test_what_a_hub_bears_that_never_has_a_task(loop: Loop, pause: float) -> None:
    """However often something happens: six polls more than those that it causes itself, and the usual ones."""
    end, caused = 1600.0, 0
    while loop.clock.now + pause < end:
        loop.woken()
        caused += 1
        loop.sleep_until(loop.clock.now + pause)
    usual = (end - 1000) / SLEEPTIME
    assert len(loop.polls) <= caused + usual + 6


@pytest.mark.parametrize("pause", [0.3, 1.0, 1.5, 3.0, 7.0])
def test_never_two_polls_of_bursts_within_a_second(loop: Loop, pause: float) -> None:
    caused = 0
    while loop.clock.now < 1060:
        loop.woken(found=True)
        caused += 1
        loop.sleep_until(loop.clock.now + pause)
    assert len(loop.polls) - caused <= 60
