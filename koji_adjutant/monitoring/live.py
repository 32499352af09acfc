"""The registry, kept fresh while somebody asks; nobody asks, and next to nothing is done.

Whoever answers a request calls `fresh` first. The first look at a long journal takes a second or two and is done in
pieces, so that the server answers meanwhile; requests for what is in the journal wait for its end. A journal that
cannot be read is said once in the log, and what was known before is shown. Belongs to the event loop's thread.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from koji_adjutant.monitoring.answers import Refused
from koji_adjutant.monitoring.registry import Registry
from koji_adjutant.monitoring.waiting import within

AT_MOST_EVERY = 0.25
POLL_SECONDS = 0.5
"""Between two looks of somebody who follows."""
IDLE_SECONDS = 30.0
"""Between two looks for nobody: a journal has nine files, and forgets."""
PATIENCE = 20.0
"""Seconds that a request waits for the end of the first look."""
PIECE = 2000
"""Lines of a journal between two looks at requests."""

logger = logging.getLogger("koji.adjutant.monitoring")


class Live:
    """A registry and when it was looked at last."""

    def __init__(self, registry: Registry, clock: Callable[[], float] = time.monotonic) -> None:
        self.registry = registry
        self._clock = clock
        self._looked = -AT_MOST_EVERY
        self._problem = ""
        self._has_all = asyncio.Event()
        self._is_over = False

    def end(self) -> None:
        """The server ends: nobody follows any more."""
        self._is_over = True

    def goes_on(self) -> bool:
        """Whether it has not ended."""
        return not self._is_over

    @property
    def problem(self) -> str:
        """Why the journal cannot be read; empty when it can be."""
        return self._problem

    async def fresh(self) -> Registry:
        """The registry, with what has happened up to now. Refused, while nobody can say."""
        if not self._has_all.is_set():
            if not await within(PATIENCE, self._has_all):
                raise Refused(
                    503, "The journal is still being read", "try again in a moment", Retry_After="2"
                )
        elif self._clock() - self._looked >= AT_MOST_EVERY:
            self._look(PIECE * 10)
        return self.registry

    async def has_all(self) -> None:
        """Wait for the end of the first look."""
        await self._has_all.wait()

    async def keep(self) -> None:
        """Look now and then, for as long as the server runs."""
        while self.goes_on():
            while not self._look(PIECE) and self.goes_on():
                await asyncio.sleep(0)
            self._has_all.set()
            await asyncio.sleep(IDLE_SECONDS)

    def _look(self, most: int) -> bool:
        """Read on; whether there is no more."""
        self._looked = self._clock()
        try:
            is_all = self.registry.refresh(most)
        except OSError as error:
            self._say(f"{error.filename or 'the journal'}: {error.strerror}")
            return True
        self._say("")
        return is_all

    def _say(self, problem: str) -> None:
        if problem != self._problem:
            self._problem = problem
            if problem:
                logger.warning("The journal cannot be read, what is shown is old: %s", problem)
            else:
                logger.warning("The journal can be read again")
