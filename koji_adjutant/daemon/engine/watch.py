"""Whether the engine answers, asked by a helper process so that a slow engine never holds up the main loop.

A helper asks once and writes its answer to a pipe. An engine is unavailable when it says so (the socket is gone,
nobody listens, or a program that is not worked with) or when it has not answered for 30 seconds: it answers nobody
while it writes a layer. An engine that failed a task may answer and be good for nothing: it is tried, with a container,
until that succeeds. While an engine fails task after task all the same, the host takes none for some time, which grows.
"""

import json
import logging
import os
import re
import select
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from koji_adjutant.container.interface import ContainerManager
from koji_adjutant.daemon.tasks.processes import Child, fork, stop_all
from koji_adjutant.errors import AdjutantError, Problem
from koji_adjutant.journal.phases import HostEvent, Journal

PATIENCE = 30.0
FIRST_ANSWER = 3.0
"""How long the first question is waited for, where nothing is known."""
MAX_ENGINE_FAILURES = 5
"""How often an engine that seems well may fail tasks within `FAILURE_SECONDS` before the host takes none for a time."""
FAILURE_SECONDS = 300.0
ENGINE_BACKOFF = 10.0
"""Seconds without tasks after `MAX_ENGINE_FAILURES`; doubled by each further failure."""
LONGEST_BACKOFF = 120.0
NO_ANSWER_YET = Problem("The engine has not answered yet")
_PIPE_READ = 65536
_NUMBERS = re.compile(r"[0-9]+")

logger = logging.getLogger("koji.adjutant.daemon.engine")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the engine said last; `problem` is None when it is well. `storage` is where its images are."""

    problem: Problem | None
    storage: Path | None = None
    version: str = ""
    """Empty until it has said so."""


@dataclass(frozen=True, kw_only=True)
class _Question:
    child: Child
    pipe: int
    asked: float
    is_trial: bool


class EngineChanges:
    """What the journal has of the engine: when it became of no use, for which reasons, and for how long."""

    def __init__(self, journal: Journal, clock: Callable[[], float] = time.monotonic) -> None:
        self._journal = journal
        self._clock = clock
        self._said: str | None = None
        self._lost: float | None = None

    def note(self, problem: Problem | None) -> None:
        """What is wrong with the engine now, if anything; an event when that was otherwise before, numbers aside."""
        kind = _NUMBERS.sub("", str(problem or ""))
        if problem == NO_ANSWER_YET or kind == self._said:
            return
        self._said = kind
        if problem:
            self._lost = self._lost or self._clock()
            self._journal.record(HostEvent.ENGINE_LOST, reason=str(problem))
        else:
            seconds = 0.0 if self._lost is None else self._clock() - self._lost
            self._lost = None
            self._journal.record(HostEvent.ENGINE_BACK, seconds=seconds)


class EngineWatch:
    """Asks the engine, at most every `interval` seconds and one question at a time."""

    def __init__(
        self,
        manager: ContainerManager,
        at_start: Callable[[], None],
        interval: float,
        trial: Callable[[ContainerManager], None] | None = None,
        *,
        journal: Journal,
        first_answer: float = FIRST_ANSWER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`trial` uses the engine as a task does, and raises what a task would meet with."""
        self._changes = EngineChanges(journal)
        self._manager = manager
        self._trial = trial
        self._doubted: float | None = None
        """Since when (monotonic) no trial has succeeded that began later."""
        self._failures: list[float] = []
        """When (monotonic) the engine, which seemed well, has failed tasks."""
        self._backoff_until = 0.0
        self._at_start = at_start
        self._interval = interval
        self._first_answer = first_answer
        self._clock = clock
        self._question: _Question | None = None
        self._ending: list[Child] = []
        """Helpers that have answered, or are killed, and may take a moment to end."""
        self._last_asked: float | None = None
        self._answer = Answer(problem=NO_ANSWER_YET)

    @property
    def last(self) -> Answer:
        """What it said last, however long ago."""
        return self._answer

    def answer(self) -> Answer:
        """What is known now. Waits a moment where nothing is known."""
        answer = self._known_answer()
        self._changes.note(answer.problem)
        return answer

    def _known_answer(self) -> Answer:
        self._reap()
        self._collect(wait=0.0)
        now = self._clock()
        if self._question is None and self._last_asked is None:
            self._ask()
            self._collect(wait=self._first_answer)
        elif self._question is None and now - (self._last_asked or 0.0) >= self._interval:
            self._ask()
        if self._question is not None and now - self._question.asked > PATIENCE:
            problem = Problem(f"The engine has not answered for {now - self._question.asked:.0f} seconds")
            return replace(self._answer, problem=problem)
        if now < self._backoff_until and not self._answer.problem:
            seconds = self._backoff_until - now
            problem = Problem(
                f"The engine failed tasks {len(self._failures)} times, see the log; "
                f"this host takes no tasks for {seconds:.0f} s"
            )
            return replace(self._answer, problem=problem)
        return self._answer

    def doubt(self) -> None:
        """Try the engine before the next answer: a task could not use it."""
        now = self._clock()
        if not self._answer.problem:
            self._note_failure(now)
        # A trial removes its container only when it is let come to its end.
        if self._question is not None and not self._question.is_trial:
            self._drop_question()
        self._doubt_since(now)

    def _doubt_since(self, now: float) -> None:
        self._doubted = now
        self._last_asked = None
        self._answer = replace(self._answer, problem=Problem("The engine failed a task"))

    def _note_failure(self, now: float) -> None:
        self._failures = [*(one for one in self._failures if now - one < FAILURE_SECONDS), now]
        if (surplus := len(self._failures) - MAX_ENGINE_FAILURES) >= 0:
            self._backoff_until = now + min(LONGEST_BACKOFF, ENGINE_BACKOFF * 2**surplus)

    def close(self) -> None:
        """Drop a question that has not been answered."""
        self._drop_question()
        stop_all(self._ending, 0.0)
        self._ending.clear()

    def _drop_question(self) -> None:
        question, self._question = self._question, None
        if question is not None:
            question.child.kill()
            self._end(question)

    def _end(self, question: _Question) -> None:
        os.close(question.pipe)
        self._ending.append(question.child)
        self._reap()

    def _reap(self) -> None:
        ended = [child for child in self._ending if child.has_ended()]
        for child in ended:
            self._ending.remove(child)
            child.reap()

    def _ask(self) -> None:
        reading, writing = os.pipe()
        manager, storage = self._manager, self._answer.storage
        trial = self._trial if self._doubted is not None else None

        def run() -> int:
            manager.close()
            os.write(writing, _report(manager, storage, trial).encode())
            return 0

        try:
            child = fork("engine watch", run, at_start=self._at_start)
        except OSError:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        now = self._last_asked = self._clock()
        self._question = _Question(child=child, pipe=reading, asked=now, is_trial=trial is not None)

    def _collect(self, *, wait: float) -> None:
        if self._question is None:
            return
        poller = select.poll()
        poller.register(self._question.pipe, select.POLLIN)
        if not poller.poll(wait * 1000):
            return
        question, self._question = self._question, None
        report = os.read(question.pipe, _PIPE_READ)
        self._end(question)
        self._take(report)
        if self._doubted is not None and not self._answer.problem:
            # What succeeded may have begun before the engine failed once more.
            if question.asked > self._doubted:
                self._doubted = None
            else:
                self._doubt_since(self._doubted)

    def _take(self, report: bytes) -> None:
        if not report:
            unasked = Problem("The engine could not be asked")
            self._answer = replace(self._answer, problem=unasked)
            return
        data = json.loads(report)
        storage = Path(data["storage"]) if data["storage"] else self._answer.storage
        problem = Problem(data["problem"]) if data["problem"] else None
        version = str(data["version"] or self._answer.version)
        before, self._answer = self._answer, Answer(problem=problem, storage=storage, version=version)
        if self._answer.problem and self._answer.problem != before.problem:
            logger.error("%s", self._answer.problem)


def _report(
    manager: ContainerManager, storage: Path | None, trial: Callable[[ContainerManager], None] | None
) -> str:
    try:
        version = manager.version()
        if storage is None:
            # Costs the engine a second; it does not change.
            storage = manager.storage_path()
        if trial is not None:
            trial(manager)
    except AdjutantError as error:
        return json.dumps({"problem": str(error), "storage": "", "version": ""})
    return json.dumps({"problem": "", "storage": str(storage), "version": version})
