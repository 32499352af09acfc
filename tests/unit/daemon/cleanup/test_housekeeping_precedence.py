"""Steps of an image, and the tasks that go first."""

from dataclasses import dataclass

import pytest

from koji_adjutant.daemon.cleanup.housekeeping import Intervals, TasksFirst
from koji_adjutant.daemon.tasks.state import StateDirectory


@dataclass
class Clock:
    """Time that passes while somebody sleeps, and not otherwise."""

    now: float = 1000.0
    slept: float = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds


def test_steps_of_an_image_are_apart(state: StateDirectory) -> None:
    clock = Clock()
    TasksFirst(state, clock=clock, sleep=clock.sleep)(0.5)
    assert clock.slept == 0.05


def test_steps_of_an_image_wait_for_tasks_and_in_the_end_not_long(state: StateDirectory) -> None:
    clock, waited = Clock(), []
    intervals = Intervals(image_step=2.0, image_patience=60.0)
    tasks_first = TasksFirst(state, intervals, clock=clock, sleep=clock.sleep)
    state.begin(7, "build", "/nonexistent")
    for _ in range(3):
        began = clock.now
        tasks_first(0.0)
        waited.append(clock.now - began)
    assert waited == pytest.approx([60.0, 2.0, 2.0], abs=0.11)


def test_a_step_waits_no_longer_than_there_are_tasks(state: StateDirectory) -> None:
    clock = Clock()

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if clock.slept > 5:
            state.end(7)

    state.begin(7, "build", "/nonexistent")
    TasksFirst(state, clock=clock, sleep=sleep)(0.0)
    assert 5 < clock.slept < 5.3
