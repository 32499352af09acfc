"""The schedule of faults: what the seed decides, and that nothing is left out."""

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any, cast

import pytest

from tests.faults.fault_testbed import NoTarget
from tests.faults.faults import Kind, Scene
from tests.faults.packages import LINES, missing_records
from tests.faults.schedule import INTERVAL, ROUNDS, Schedule, pace

NAMES = ("one", "two", "three", "four")


class FakeTestbed:
    is_hub_away = False


class Log:
    """Kinds that write down what is done; those in `impossible` find nothing to be done to."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.impossible: set[str] = set()

    def kind(self, name: str, *, touches: str = "", seconds: float = 0.0) -> Kind:
        @contextmanager
        def inject(_scene: Scene) -> Iterator[str]:
            if name in self.impossible:
                raise NoTarget
            self.lines.append(f"+{name}")
            yield name
            self.lines.append(f"-{name}")

        return Kind(name=name, inject=inject, touches=touches, seconds=(seconds, seconds))


@pytest.fixture
def log() -> Log:
    return Log()


def made(kinds: list[Kind], seed: int = 1) -> Schedule:
    scene = Scene(testbed=cast("Any", FakeTestbed()), workload=cast("Any", None), rng=Random(seed))
    return Schedule(
        kinds=kinds,
        scene=scene,
        rng=Random(seed),
        say=lambda _: None,
        seconds=600.0,
        interval=(0.0, 0.0),
    )


def order(log: Log, seed: int) -> list[str]:
    log.lines.clear()
    schedule = made([log.kind(name) for name in NAMES], seed)
    for _ in range(len(NAMES)):
        schedule.work()
    schedule.finish()
    assert not schedule.shortcomings()
    return [line for line in log.lines if line.startswith("+")]


def test_a_round_has_every_kind_in_an_order_that_the_seed_decides(log: Log) -> None:
    orders = {seed: order(log, seed) for seed in range(8)}
    assert all(sorted(one) == sorted(f"+{name}" for name in NAMES) for one in orders.values())
    assert len({tuple(one) for one in orders.values()}) > 1
    assert {seed: order(log, seed) for seed in range(8)} == orders


def test_what_has_no_target_comes_as_soon_as_it_has_one(log: Log) -> None:
    log.impossible = {"two"}
    schedule = made([log.kind(name) for name in NAMES])
    for _ in range(6):
        schedule.work()
    assert schedule.shortcomings() == ["never: two"]
    log.impossible = set()
    for _ in range(len(NAMES)):
        schedule.work()
    assert schedule.done["two"] >= 1


def test_what_has_no_target_changes_nothing_of_the_others(log: Log) -> None:
    def others(impossible: set[str]) -> list[str]:
        log.lines.clear()
        log.impossible = impossible
        schedule = made([log.kind(name) for name in NAMES], 7)
        while sum(schedule.done.values()) - schedule.done["two"] < 12:
            schedule.work()
        return [line for line in log.lines if line.startswith("+") and line != "+two"]

    assert others({"two"}) == others(set())


def test_a_short_run_has_time_for_every_kind() -> None:
    assert pace(120.0, 26) * INTERVAL[1] * 26 < 120.0
    assert pace(60.0, 26) * sum(INTERVAL) / 2 * 26 * ROUNDS == pytest.approx(60.0)
    assert pace(300.0, 26) == 1.0


def test_a_pause_that_is_too_long_is_told(log: Log) -> None:
    schedule = made([log.kind(name) for name in NAMES])
    schedule.times = [0.0, 9.9, 20.0]
    assert "no fault for 10 s" in schedule.shortcomings()
    schedule.times = [0.0, 9.9, 19.8]
    assert "no fault for 10 s" not in schedule.shortcomings()


def test_one_part_is_harmed_by_one_fault_at_a_time(log: Log) -> None:
    schedule = made([log.kind("down", touches="hub", seconds=60.0), log.kind("slow", touches="hub")])
    schedule.work()
    schedule.work()
    assert len(log.lines) == 1
    schedule.finish()
    assert log.lines[1] == f"-{log.lines[0][1:]}"


def test_a_log_that_is_not_whole_is_seen() -> None:
    lines = [f"soak record {number}".encode() for number in range(1, LINES + 1)]
    assert not missing_records(b"\n".join(lines))
    assert missing_records(b"\n".join(lines[:-1]))
    assert missing_records(b"\n".join([*lines, lines[-1]]))
    assert missing_records(b"\n".join([lines[1], lines[0], *lines[2:]]))
