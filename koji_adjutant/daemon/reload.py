"""Starting anew, and whether it would succeed: the check before each reload.

A daemon that starts itself anew and cannot is gone: builds are given to others a quarter of an hour later. So the new
start is tried first, in a process of its own and with the program, the arguments and the environment that it would
have: `kojid --check` reads the configuration, loads the plugins, logs in without taking the lock, and ends. It has a
time limit, and the main loop goes on meanwhile. A plugin that would be lost counts as well: the old daemon has it
loaded. The verdict is used once, for the reload that asked for it.
"""

import logging
import math
import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from koji_adjutant.errors import Problem
from koji_adjutant.host import systemd
from koji_adjutant.journal.phases import HostEvent, Journal

CHECK_SECONDS = 60.0
"""Ten times what it takes on a busy machine with a hub that hangs."""
FEED_SECONDS = 1.0
KILLED_SECONDS = 1.0
PREFIX = "kojid: error: "

logger = logging.getLogger("koji.adjutant.daemon")


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the check has found. `problem` is None when the daemon can start anew."""

    problem: Problem | None = None


class StartCheck:
    """The process that checks whether a new daemon would start, from `begin` to its verdict."""

    def __init__(self, process: "subprocess.Popen[bytes]", said: IO[bytes], seconds: float) -> None:
        self._process = process
        self._said = said
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds
        self.pidfd = os.pidfd_open(process.pid)

    @classmethod
    def begin(cls, argv: Sequence[str], directory: Path, *, seconds: float = CHECK_SECONDS) -> "StartCheck":
        """Have the check `argv` started in `directory`, for at most so many seconds. OSError."""
        environment = {
            key: value for key, value in os.environ.items() if key not in {systemd.VARIABLE, systemd.WATCHDOG}
        }
        said = tempfile.TemporaryFile()  # noqa: SIM115 - it lives until the verdict
        process = None
        try:
            process = subprocess.Popen(
                argv,
                cwd=directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
            return cls(process, said, seconds)
        except OSError:
            if process is not None:
                process.kill()
            said.close()
            raise

    def seconds_left(self) -> float:
        """Seconds until the check has lasted too long."""
        return self._deadline - time.monotonic()

    def verdict(self) -> Verdict | None:
        """What the check has found; None while it runs."""
        status = self._process.poll()
        if status is None and self.seconds_left() > 0:
            return None
        if status is None:
            self._kill()
            problem: Problem | None = Problem(f"the check has not ended in {self._seconds:.0f} s")
        else:
            problem = self._problem(status) if status else None
        self._close()
        return Verdict(problem=problem)

    def give_up(self) -> None:
        """End the check: nobody needs its verdict any more."""
        self._kill()
        self._close()

    def _kill(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(KILLED_SECONDS)

    def _problem(self, status: int) -> Problem:
        self._said.seek(0)
        lines = [line.strip() for line in self._said.read().decode(errors="replace").splitlines()]
        said = next((line for line in reversed(lines) if line), f"the check ended with status {status}")
        return Problem(said.removeprefix(PREFIX))

    def _close(self) -> None:
        os.close(self.pidfd)
        self._said.close()


class Reloading:
    """What signals have asked the main loop for, and what has come of it. `argv` is the check's."""

    def __init__(self, argv: Sequence[str], directory: Path, journal: Journal) -> None:
        self._journal = journal
        self._argv = argv
        self._directory = directory
        self._is_wanted = False
        self._check: StartCheck | None = None

    def ask(self) -> None:
        """Ask the main loop to start anew, if that would succeed; called by a signal handler."""
        self._is_wanted = True

    def is_due(self) -> bool:
        """Whether to start anew now; called by each pass, it never waits."""
        if self._check is not None:
            verdict = self._check.verdict()
            if verdict is None:
                return False
            self._check = None
            if verdict.problem:
                self._refuse(verdict.problem)
            elif not self._is_wanted:
                return True
        if self._is_wanted:
            # A signal that comes from now on may be about something that this check does not see.
            self._is_wanted = False
            self._begin()
        return False

    def would_succeed(self) -> bool:
        """Check now, and wait for the verdict: for a daemon in which nothing runs that could not wait."""
        self._begin()
        while self._check is not None:
            poller = select.poll()
            poller.register(self._check.pidfd, select.POLLIN)
            poller.poll(1000 * min(FEED_SECONDS, max(0.0, self._check.seconds_left())))
            systemd.feed()
            verdict = self._check.verdict()
            if verdict is None:
                continue
            self._check = None
            if not verdict.problem:
                return True
            self._refuse(verdict.problem)
        return False

    def _begin(self) -> None:
        self.give_up()
        systemd.reloading()
        logger.info("Asked to start anew; whether that would succeed is tried")
        self._journal.record(HostEvent.RELOAD_ASKED)
        try:
            self._check = StartCheck.begin(self._argv, self._directory)
        except OSError as error:
            self._refuse(Problem(f"{self._argv[0]} cannot be started: {error.strerror}"))

    def _refuse(self, problem: Problem) -> None:
        text = " ".join(str(problem).split())
        logger.error("Not started anew, the daemon goes on as it was: %s", text)
        self._journal.record(HostEvent.RELOAD_REFUSED, reason=text)
        systemd.ready(f"Not reloaded: {text}")

    def pidfds(self) -> Sequence[int]:
        """What becomes readable when the check ends, for the main loop to wait for."""
        return () if self._check is None else (self._check.pidfd,)

    def patience(self) -> float:
        """The most seconds that the main loop may sleep; infinite when no check runs."""
        return math.inf if self._check is None else self._check.seconds_left()

    def give_up(self) -> None:
        """End a check that runs."""
        if self._check is not None:
            self._check.give_up()
            self._check = None
