"""Asking the engine without waiting for it."""

import errno
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.daemon.engine import watch as engine_watch
from koji_adjutant.daemon.engine.watch import NO_ANSWER_YET, Answer, EngineWatch
from koji_adjutant.daemon.tasks.processes import Child
from koji_adjutant.errors import EngineUnavailable, Problem
from koji_adjutant.journal.file import FileJournal
from koji_adjutant.journal.phases import NullJournal
from koji_adjutant.journal.reader import read_journal
from tests.fakes.containers import FakeContainerManager
from tests.processes import open_descriptors
from tests.waiting import eventually, for_ever

PATIENCE = 20.0


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def nothing() -> None:
    """What a helper does first."""


class SlowManager(FakeContainerManager):
    """An engine that answers nobody."""

    def storage_path(self) -> Path:
        for_ever()
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
    watch = EngineWatch(manager, nothing, 0.0, journal=NullJournal())
    good = Answer(problem=None, storage=manager.storage_path(), version=manager.version())
    assert watch.answer() == good
    assert watch.answer() == good, "the storage is not asked for again"
    watch.close()


def test_it_is_not_asked_too_often(mocker: Any) -> None:
    watch = EngineWatch(FakeContainerManager(), nothing, 60.0, journal=NullJournal())
    fork = mocker.spy(engine_watch, "fork")
    for _ in range(5):
        watch.answer()
    assert fork.call_count == 1
    watch.doubt()
    assert watch.answer().problem is None
    assert fork.call_count == 2
    watch.close()


def test_an_engine_that_is_away_and_comes_back(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    manager = MovingManager()
    watch = EngineWatch(manager, nothing, 0.0, journal=FileJournal(tmp_path / "journal"))
    assert watch.answer().problem == Problem("no socket; start it")
    manager.is_there = True
    eventually(lambda: not watch.answer().problem, "well")
    assert watch.answer().storage == Path("/storage")
    assert [one.message for one in caplog.records] == ["no socket; start it"]
    lost, back = read_journal(tmp_path / "journal")
    assert (lost.name, lost.details) == ("engine-lost", {"reason": "no socket; start it"})
    assert back.name == "engine-back"
    assert 0 < back.details["seconds"] < PATIENCE
    watch.close()


def test_a_slow_engine_is_given_time() -> None:
    clock = Clock()
    watch = EngineWatch(SlowManager(), nothing, 0.0, journal=NullJournal(), first_answer=0.05, clock=clock)
    assert watch.answer().problem == NO_ANSWER_YET
    clock.now += engine_watch.PATIENCE
    assert watch.answer().problem == NO_ANSWER_YET
    clock.now += 1.0
    assert watch.answer().problem == Problem("The engine has not answered for 31 seconds")
    watch.close()


def test_an_engine_that_fails_task_after_task_gets_none_for_a_time() -> None:
    """Longer each time, and no longer than LONGEST_BACKOFF; an engine that fails now and then goes on."""
    clock = Clock()
    watch = EngineWatch(FakeContainerManager(), nothing, 0.0, journal=NullJournal(), clock=clock)

    def doubt_and_ask() -> str:
        assert not str(watch.answer().problem).startswith("The engine failed a task")
        watch.doubt()
        clock.now += 0.001
        eventually(lambda: "failed a task" not in str(watch.answer().problem), "asked again")
        return str(watch.answer().problem or "")

    for _ in range(engine_watch.MAX_ENGINE_FAILURES):
        clock.now += engine_watch.FAILURE_SECONDS / 2
        assert doubt_and_ask() == ""
    clock.now += engine_watch.FAILURE_SECONDS
    said = [doubt_and_ask() for _ in range(engine_watch.MAX_ENGINE_FAILURES + 1)]
    assert said[: engine_watch.MAX_ENGINE_FAILURES - 1] == [""] * (engine_watch.MAX_ENGINE_FAILURES - 1)
    assert f"failed tasks {engine_watch.MAX_ENGINE_FAILURES} times" in said[-2]
    assert f"for {engine_watch.ENGINE_BACKOFF:.0f} s" in said[-2]
    assert f"for {2 * engine_watch.ENGINE_BACKOFF:.0f} s" in said[-1]
    clock.now += 2 * engine_watch.ENGINE_BACKOFF
    assert watch.answer().problem is None
    watch.close()


def test_a_trial_is_let_come_to_its_end(tmp_path: Path) -> None:
    ends, tried = tmp_path / "ends", tmp_path / "tried"

    def trial(_manager: object) -> None:
        eventually(ends.exists)
        with tried.open("a") as file:
            file.write("tried\n")

    watch = EngineWatch(FakeContainerManager(), nothing, 0.0, trial, journal=NullJournal(), first_answer=0.05)
    watch.doubt()
    assert watch.answer().problem == Problem("The engine failed a task")
    watch.doubt()
    ends.touch()
    eventually(lambda: not watch.answer().problem, "well")
    # The first has begun before the second doubt, and says nothing of that.
    assert tried.read_text().count("tried") == 2
    watch.close()


@pytest.mark.parametrize("what", ["fork", "pidfd_open"])
def test_a_question_that_nobody_can_ask(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    def fail(*_: object) -> int:
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    before = open_descriptors()
    monkeypatch.setattr(os, what, fail)
    watch = EngineWatch(FakeContainerManager(), nothing, 0.0, journal=NullJournal())
    with pytest.raises(BlockingIOError):
        watch.answer()
    assert open_descriptors() == before
    monkeypatch.undo()
    assert watch.answer().problem is None
    watch.close()


def test_a_helper_that_does_not_die_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in uninterruptible sleep."""
    before = open_descriptors()
    watch = EngineWatch(SlowManager(), nothing, 0.0, journal=NullJournal(), first_answer=0.1)
    watch.answer()
    kill = Child.kill
    stuck: list[Child] = []

    def live_on(child: Child) -> None:
        stuck.append(child)

    monkeypatch.setattr(Child, "kill", live_on)
    began = time.monotonic()
    watch.doubt()
    watch.answer()
    assert time.monotonic() - began < PATIENCE
    monkeypatch.setattr(Child, "kill", kill)
    watch.close()
    assert stuck
    assert open_descriptors() == before
