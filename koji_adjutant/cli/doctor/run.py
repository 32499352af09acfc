"""Running checks side by side, each in a thread of its own, those that need others after them.

A thread cannot be ended: one that hangs is left behind when its time is over, and goes with the process.
"""

import logging
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from xml.parsers.expat import ExpatError
from xmlrpc.client import Fault

import koji
import requests

from koji_adjutant.cli.doctor.check import Check, Finding, Result, Status, failure, not_checked
from koji_adjutant.cli.doctor.surroundings import Surroundings
from koji_adjutant.errors import AdjutantError
from koji_adjutant.hub.outage import lines_joined
from koji_adjutant.names import without_passwords

AT_A_TIME = 12
GOOD = frozenset({Status.OK, Status.WARNING})
CORRECT = "correct what it names, and run doctor again"
NO_ANSWER = "it hangs: find out on what (ps, dmesg, the log of what it asks), and run doctor again"

logger = logging.getLogger("koji.adjutant.cli.doctor")


@dataclass(frozen=True, kw_only=True)
class _Running:
    check: Check
    began: float

    @property
    def deadline(self) -> float:
        return self.began + self.check.seconds


@dataclass(kw_only=True)
class Examination:
    """One run over a table of checks. `is_faulty`: a check had a fault of its own."""

    checks: Sequence[Check]
    surroundings: Surroundings
    is_faulty: bool = False
    _results: dict[str, Result] = field(default_factory=dict)
    _running: dict[str, _Running] = field(default_factory=dict)
    _answers: "queue.SimpleQueue[tuple[str, Finding]]" = field(default_factory=queue.SimpleQueue)

    def results(self) -> Iterator[Result]:
        """The results, in the order of the table, each as soon as those before it are there."""
        for check in self.checks:
            while check.id not in self._results:
                self._start()
                self._collect()
            yield self._results[check.id]

    def _start(self) -> None:
        is_settled = False
        while not is_settled:
            is_settled = True
            for check in self.checks:
                if check.id in self._results or check.id in self._running:
                    continue
                if missing := self._missing(check):
                    self._end(check, not_checked(f"not checked: needs {', '.join(missing)}"), 0.0)
                    is_settled = False
                elif len(self._running) < AT_A_TIME and all(one in self._results for one in check.needs):
                    self._begin(check)

    def _missing(self, check: Check) -> list[str]:
        return [
            one
            for one in check.needs
            if one in self._results and self._results[one].finding.status not in GOOD
        ]

    def _begin(self, check: Check) -> None:
        self._running[check.id] = _Running(check=check, began=time.monotonic())
        threading.Thread(target=self._look, args=(check,), name=check.id, daemon=True).start()

    def _look(self, check: Check) -> None:
        self._answers.put((check.id, self._finding(check)))

    def _finding(self, check: Check) -> Finding:
        try:
            found = check.look(self.surroundings)
            return replace(found, text=without_passwords(found.text))
        except AdjutantError as error:
            return failure(without_passwords(error.message), error.hint or CORRECT)
        except (
            koji.GenericError,
            Fault,
            requests.RequestException,
            ExpatError,
            OSError,
            subprocess.SubprocessError,
        ) as error:
            return failure(without_passwords(f"{check.title}: {lines_joined(error)}"), CORRECT)
        except Exception:
            logger.exception("check %s has a fault of its own", check.id)
            self.is_faulty = True
            return failure("the check has a fault of its own, see above", "report it, with what stands above")

    def _collect(self) -> None:
        """Wait for an answer, or for the end of somebody's time."""
        if not self._running:
            return
        first = min(self._running.values(), key=lambda one: one.deadline)
        try:
            name, finding = self._answers.get(timeout=max(0.0, first.deadline - time.monotonic()))
        except queue.Empty:
            text = f"{first.check.title}: no answer within {first.check.seconds:g} s"
            self._end(first.check, failure(text, NO_ANSWER), first.check.seconds)
            return
        if (running := self._running.get(name)) is not None:
            self._end(running.check, finding, time.monotonic() - running.began)

    def _end(self, check: Check, finding: Finding, seconds: float) -> None:
        self._running.pop(check.id, None)
        self._results[check.id] = Result(check=check, finding=finding, seconds=seconds)


def examine(
    checks: Sequence[Check], surroundings: Surroundings, tell: Callable[[Result], None]
) -> tuple[tuple[Result, ...], bool]:
    """Run them all; the results, and whether each check worked. `tell` is called with each in order."""
    examination = Examination(checks=checks, surroundings=surroundings)
    found = []
    for result in examination.results():
        tell(result)
        found.append(result)
    return tuple(found), not examination.is_faulty
