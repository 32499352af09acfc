"""Looking at a disk while a command runs."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from koji_adjutant.errors import EngineUnavailable
from koji_adjutant.guards import disk_room
from koji_adjutant.guards.disk_room import RoomWatch
from tests.waiting import eventually, lasts

STEP = 0.01


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What is found at each look, from the last; without room when it is used up."""
    found: list[bool] = []
    monkeypatch.setattr(disk_room, "is_full", lambda _path: found.pop() if found else True)
    return found


@pytest.fixture
def has_ended() -> Callable[[], bool]:
    """Whether no watch of this test looks any more."""
    before = set(threading.enumerate())
    return lambda: not any(thread.name == "room" for thread in set(threading.enumerate()) - before)


def test_a_moment_is_enough(looks: list[bool], tmp_path: Path) -> None:
    looks += [False, False, True, False]
    with RoomWatch(lambda: [tmp_path], STEP, head_start=STEP) as watch:
        eventually(lambda: watch.was_full)
    assert looks == [False, False]


def test_one_of_several_disks_is_enough(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(disk_room, "is_full", lambda path: path == tmp_path / "cache")
    with RoomWatch(lambda: [tmp_path / "work", tmp_path / "cache"], STEP, head_start=STEP) as watch:
        eventually(lambda: watch.was_full)


def test_there_was_room_all_along(looks: list[bool], tmp_path: Path) -> None:
    looks += [False] * 1000
    with RoomWatch(lambda: [tmp_path], STEP, head_start=STEP) as watch:
        lasts(lambda: not watch.was_full, "there is room", seconds=0.2)
    assert len(looks) < 1000


def test_a_command_that_is_over_at_once_costs_nothing(
    looks: list[bool], tmp_path: Path, has_ended: Callable[[], bool]
) -> None:
    asked: list[Path] = []

    def find() -> list[Path]:
        asked.append(tmp_path)
        return asked

    with RoomWatch(find, head_start=0.2) as watch:
        pass
    eventually(has_ended)
    assert (asked, watch.was_full) == ([], False)


def test_an_engine_that_does_not_say_where(looks: list[bool]) -> None:
    def away() -> tuple[Path, ...]:
        raise EngineUnavailable("it is away")

    for find in (away, tuple):
        with RoomWatch(find, STEP, head_start=STEP) as watch:
            lasts(lambda: not watch.was_full, "nothing is known", seconds=0.1)


def test_who_speaks_of_a_full_disk_is_looked_at_once(looks: list[bool], tmp_path: Path) -> None:
    """Also when the command has ended before: the answer is there when the watch is left."""
    looks += [True, False, False]
    watch = RoomWatch(lambda: [tmp_path], 60, head_start=60)
    with watch:
        watch.ask()
    assert (watch.was_full, looks) == (False, [True, False])
    with RoomWatch(lambda: (), is_full_inside=lambda: True) as elsewhere:
        elsewhere.ask()
    assert elsewhere.was_full


def test_one_that_speaks_of_it_all_the_time(looks: list[bool], tmp_path: Path) -> None:
    looks += [False] * 1000
    end = time.monotonic() + 0.5
    with RoomWatch(lambda: [tmp_path], 60, head_start=60) as watch:
        while time.monotonic() < end:
            watch.ask()
    assert 980 < len(looks) < 1000


def test_an_engine_that_cannot_be_asked_holds_nobody_up(
    looks: list[bool], has_ended: Callable[[], bool]
) -> None:
    def away() -> bool:
        raise EngineUnavailable("it is away")

    began = time.monotonic()
    with RoomWatch(lambda: (), head_start=STEP, is_full_inside=away) as watch:
        watch.ask()
        eventually(has_ended)
        watch.ask()
    assert time.monotonic() - began < disk_room.LOOK_SECONDS
    assert not watch.was_full
