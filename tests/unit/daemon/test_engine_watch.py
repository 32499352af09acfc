"""Asking the engine without waiting for it."""

import time
from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.daemon import engine_watch
from koji_adjutant.daemon.engine_watch import Answer, EngineWatch
from koji_adjutant.errors import EngineUnavailable
from tests.fakes.containers import FakeContainerManager

PATIENCE = 20.0


def nothing() -> None:
    """What a helper does first."""


class SlowManager(FakeContainerManager):
    """An engine that answers nobody."""

    def storage_path(self) -> Path:
        time.sleep(PATIENCE * 2)
        return Path("/never")


class MovingManager(FakeContainerManager):
    """An engine that is there or not."""

    is_there = False

    def storage_path(self) -> Path:
        if not self.is_there:
            raise EngineUnavailable("no socket", hint="start it")
        return Path("/storage")


def test_a_good_engine() -> None:
    manager = FakeContainerManager()
    watch = EngineWatch(manager, nothing, 0.0)
    assert watch.answer() == Answer(problem="", storage=manager.storage_path())
    watch.close()


def test_it_is_not_asked_too_often(mocker: Any) -> None:
    watch = EngineWatch(FakeContainerManager(), nothing, 60.0)
    fork = mocker.spy(engine_watch, "fork")
    for _ in range(5):
        watch.answer()
    assert fork.call_count == 1
    watch.doubt()
    assert watch.answer().problem == ""
    assert fork.call_count == 2
    watch.close()


def test_an_engine_that_is_away_and_comes_back(caplog: pytest.LogCaptureFixture) -> None:
    manager = MovingManager()
    watch = EngineWatch(manager, nothing, 0.0)
    assert watch.answer().problem == "no socket; start it"
    manager.is_there = True
    deadline = time.monotonic() + PATIENCE
    while watch.answer().problem:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert watch.answer().storage == Path("/storage")
    assert [one.message for one in caplog.records] == ["no socket; start it"]
    watch.close()


def test_a_slow_engine_is_given_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_watch, "FIRST_ANSWER", 0.05)
    watch = EngineWatch(SlowManager(), nothing, 0.0)
    start = time.monotonic()
    assert watch.answer().problem == "The engine has not answered yet"
    assert watch.answer().problem == "The engine has not answered yet"
    monkeypatch.setattr(engine_watch, "PATIENCE", 0.0)
    assert watch.answer().problem.startswith("The engine has not answered for")
    assert time.monotonic() - start < PATIENCE
    watch.close()


def test_a_trial_is_let_come_to_its_end(mocker: Any, tmp_path: Path) -> None:
    ends, tried = tmp_path / "ends", tmp_path / "tried"

    def trial(_manager: object) -> None:
        while not ends.exists():
            time.sleep(0.01)
        with tried.open("a") as file:
            file.write("tried\n")

    watch = EngineWatch(FakeContainerManager(), nothing, 0.0, trial)
    mocker.patch.object(engine_watch, "FIRST_ANSWER", 0.05)
    watch.doubt()
    assert watch.answer().problem == "The engine failed a task"
    watch.doubt()
    ends.touch()
    deadline = time.monotonic() + PATIENCE
    while watch.answer().problem:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    # The first has begun before the second doubt, and says nothing of that.
    assert tried.read_text().count("tried") == 2
    watch.close()
