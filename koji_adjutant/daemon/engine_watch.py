"""Whether the engine answers, asked by a helper process so that a slow engine never holds up the main loop.

A helper asks once and writes its answer to a pipe. An engine is unavailable when it says so (the socket is gone,
nobody listens) or when it has not answered for 30 seconds: it answers nobody while it writes a layer. An engine that
failed a task may answer and be good for nothing: it is tried, with a container, until that succeeds. One that fails
task after task all the same gets none for some time, which grows.
"""

import json
import logging
import os
import select
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.container.interface import ContainerManager
from koji_adjutant.daemon.processes import Child, fork
from koji_adjutant.errors import AdjutantError

PATIENCE = 30.0
FIRST_ANSWER = 3.0
DOUBTS = 5
"""How often an engine that seems well may fail tasks within `DOUBT_SECONDS` before it gets a rest."""
DOUBT_SECONDS = 300.0
REST = 10.0
LONGEST_REST = 120.0
_PIPE_READ = 65536

logger = logging.getLogger("koji.adjutant.engine")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the engine said last; `problem` is empty when it is well."""

    problem: str
    storage: Path | None = None


@dataclass(frozen=True, kw_only=True)
class _Question:
    child: Child
    pipe: int
    asked: float
    is_trial: bool


class EngineWatch:
    """Asks the engine, at most every `interval` seconds and one question at a time."""

    def __init__(
        self,
        manager: ContainerManager,
        at_start: Callable[[], None],
        interval: float,
        trial: Callable[[ContainerManager], None] | None = None,
    ) -> None:
        """`trial` uses the engine as a task does, and raises what a task would meet with."""
        self._manager = manager
        self._trial = trial
        self._doubted: float | None = None
        """Since when (monotonic) no trial has succeeded that began later."""
        self._doubts: list[float] = []
        self._rest_until = 0.0
        self._at_start = at_start
        self._interval = interval
        self._question: _Question | None = None
        self._last_asked: float | None = None
        self._answer = Answer(problem="The engine has not answered yet")

    def answer(self) -> Answer:
        """What is known now. Waits a moment where nothing is known."""
        self._collect(wait=0.0)
        now = time.monotonic()
        if self._question is None and self._last_asked is None:
            self._ask()
            self._collect(wait=FIRST_ANSWER)
        elif self._question is None and now - (self._last_asked or 0.0) >= self._interval:
            self._ask()
        if self._question is not None and now - self._question.asked > PATIENCE:
            problem = f"The engine has not answered for {now - self._question.asked:.0f} seconds"
            return Answer(problem=problem, storage=self._answer.storage)
        if now < self._rest_until and not self._answer.problem:
            seconds = self._rest_until - now
            problem = f"The engine failed tasks {len(self._doubts)} times, see the log; it rests for {seconds:.0f} s"
            return Answer(problem=problem, storage=self._answer.storage)
        return self._answer

    def doubt(self) -> None:
        """Try it before the next answer: a task could not use the engine."""
        now = time.monotonic()
        if not self._answer.problem:
            self._note_doubt(now)
        # A trial removes its container only when it is let come to its end.
        if self._question is not None and not self._question.is_trial:
            self._drop_question()
        self._doubt_since(now)

    def _doubt_since(self, now: float) -> None:
        self._doubted = now
        self._last_asked = None
        self._answer = Answer(problem="The engine failed a task", storage=self._answer.storage)

    def _note_doubt(self, now: float) -> None:
        self._doubts = [*(one for one in self._doubts if now - one < DOUBT_SECONDS), now]
        if (surplus := len(self._doubts) - DOUBTS) >= 0:
            self._rest_until = now + min(LONGEST_REST, REST * 2**surplus)

    def close(self) -> None:
        """Drop a question that has not been answered."""
        self._drop_question()

    def _drop_question(self) -> None:
        if self._question is not None:
            self._question.child.kill()
            os.close(self._question.pipe)
            self._question.child.reap()
            self._question = None

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
        finally:
            os.close(writing)
        now = self._last_asked = time.monotonic()
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
        os.close(question.pipe)
        question.child.reap()
        self._take(report)
        if self._doubted is not None and not self._answer.problem:
            # What succeeded may have begun before the engine failed once more.
            if question.asked > self._doubted:
                self._doubted = None
            else:
                self._doubt_since(self._doubted)

    def _take(self, report: bytes) -> None:
        if not report:
            self._answer = Answer(problem="The engine could not be asked", storage=self._answer.storage)
            return
        data = json.loads(report)
        storage = Path(data["storage"]) if data["storage"] else self._answer.storage
        before, self._answer = self._answer, Answer(problem=data["problem"], storage=storage)
        if self._answer.problem and self._answer.problem != before.problem:
            logger.error("%s", self._answer.problem)


def _report(
    manager: ContainerManager, storage: Path | None, trial: Callable[[ContainerManager], None] | None
) -> str:
    try:
        # Where the storage is costs the engine a second of looking for versions; it does not change.
        if storage is None:
            storage = manager.storage_path()
        else:
            manager.ping()
        if trial is not None:
            trial(manager)
    except AdjutantError as error:
        return json.dumps({"problem": str(error), "storage": ""})
    return json.dumps({"problem": "", "storage": str(storage)})
