"""Looking at a disk while a command runs."""

import time
from pathlib import Path

import pytest

from koji_adjutant.errors import EngineUnavailable
from koji_adjutant.task_adapters import room_watch
from koji_adjutant.task_adapters.room_watch import RoomWatch

STEP = 0.01


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What is found at each look, from the last; without room when it is used up."""
    found: list[bool] = []
    monkeypatch.setattr(room_watch, "is_full", lambda _path: found.pop() if found else True)
    return found


def wait_until_full(watch: RoomWatch, seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while not watch.was_full and time.monotonic() < end:
        time.sleep(STEP)
    return watch.was_full


def test_a_moment_is_enough(looks: list[bool], tmp_path: Path) -> None:
    looks += [False, False, True, False]
    with RoomWatch(lambda: tmp_path, STEP) as watch:
        assert wait_until_full(watch)
    assert looks == [False, False]


def test_there_was_room_all_along(looks: list[bool], tmp_path: Path) -> None:
    looks += [False] * 1000
    with RoomWatch(lambda: tmp_path, STEP) as watch:
        assert not wait_until_full(watch, 0.2)
    assert len(looks) < 1000


def test_a_command_that_is_over_at_once_costs_nothing(looks: list[bool], tmp_path: Path) -> None:
    asked: list[Path] = []
    with RoomWatch(lambda: asked.append(tmp_path), 0.2) as watch:
        pass
    time.sleep(0.3)
    assert (asked, watch.was_full) == ([], False)


def test_an_engine_that_does_not_say_where(looks: list[bool]) -> None:
    def away() -> Path:
        raise EngineUnavailable("it is away")

    for find in (away, lambda: None):
        with RoomWatch(find, STEP) as watch:
            assert not wait_until_full(watch, 0.1)
