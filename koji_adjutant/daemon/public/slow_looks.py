"""What of the host may take long to look at, or for ever: asked by a helper, so that the main loop never waits for it.

A helper looks once, writes what it has found to a pipe, and ends; one that hangs is left alone, and no other is started
until it ends. `SlowLooks` lives as long as the main process.
"""

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from koji_adjutant.config import Config
from koji_adjutant.daemon.tasks.processes import Child, fork, stop_all
from koji_adjutant.host import disks
from koji_adjutant.hub.credentials import credentials
from koji_adjutant.journal.public import CredentialFacts, DiskFacts

INTERVAL = 300.0
KILLED_SECONDS = 1.0
"""For the end of one that hangs in the kernel; it is left then."""
_PIPE_READ = 65536


@dataclass(frozen=True, kw_only=True)
class SlowFacts:
    """What a helper has found."""

    credentials: tuple[CredentialFacts, ...] = ()
    topdir: DiskFacts | None = None


class SlowLooks:
    """Starts helpers and takes what they find; `at_start` is what each does first."""

    def __init__(
        self, config: Config, at_start: Callable[[], None], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._config = config
        self._at_start = at_start
        self._clock = clock
        self._due = 0.0
        self._helper: tuple[Child, int] | None = None
        self._found = SlowFacts()

    def pidfds(self) -> tuple[int, ...]:
        """What becomes readable when a helper ends."""
        return () if self._helper is None else (self._helper[0].pidfd,)

    def found(self) -> SlowFacts:
        """What is known; starts a helper when it is time. Never waits."""
        self._collect()
        if self._helper is None and self._clock() >= self._due:
            self._due = self._clock() + INTERVAL
            self._start()
        return self._found

    def close(self) -> None:
        """End a helper that runs."""
        if self._helper is not None:
            child, pipe = self._helper
            self._helper = None
            os.close(pipe)
            stop_all([child], 0.0, killed=KILLED_SECONDS)

    def _start(self) -> None:
        reading, writing = os.pipe()

        def run() -> int:
            os.write(writing, json.dumps(asdict(look(self._config))).encode())
            return 0

        try:
            child = fork("slow looks", run, at_start=self._at_start)
        except OSError:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        self._helper = child, reading

    def _collect(self) -> None:
        if self._helper is None or not self._helper[0].has_ended():
            return
        child, pipe = self._helper
        self._helper = None
        report = os.read(pipe, _PIPE_READ)
        os.close(pipe)
        child.reap()
        if report:
            found = json.loads(report)
            self._found = SlowFacts(
                credentials=tuple(CredentialFacts(**one) for one in found["credentials"]),
                topdir=DiskFacts(**found["topdir"]),
            )


def look(config: Config) -> SlowFacts:
    """Look at all of it."""
    topdir = Path(config.topdir)
    return SlowFacts(
        credentials=tuple(credentials(config)),
        topdir=DiskFacts(
            area="topdir",
            path=config.topdir,
            free_bytes=disks.free_bytes(topdir) if topdir.is_dir() else None,
        ),
    )
