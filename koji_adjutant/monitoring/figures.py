"""/metrics, as the server answers it: counters are kept up to date for nobody, and are complete before they are shown.

The first count of a long journal is done in pieces, as the first look of the registry is. Belongs to the event loop's
thread.
"""

import asyncio

from koji_adjutant.monitoring.answers import Refused
from koji_adjutant.monitoring.counters import Counters
from koji_adjutant.monitoring.live import IDLE_SECONDS, PIECE, Live
from koji_adjutant.monitoring.metrics import Exposition, MetricsCollector
from koji_adjutant.monitoring.waiting import within

BUSY_SECONDS = 20.0
"""For which a request waits at most for the first count."""


class Figures:
    """Makes answers of counters and the registry."""

    def __init__(self, live: Live, counters: Counters) -> None:
        self._live = live
        self._counters = counters
        self._exposition = Exposition(MetricsCollector(live.registry, counters))
        self._has_counted = asyncio.Event()

    async def __call__(self, accept: str) -> tuple[bytes, str]:
        """The text for who accepts that, and its content type."""
        await self._live.fresh()
        if self._has_counted.is_set():
            self._counters.refresh()
        elif not await within(BUSY_SECONDS, self._has_counted):
            raise Refused(503, "The journal is still being counted", "try again in a moment", Retry_After="5")
        return self._exposition.answer(accept)

    async def keep(self) -> None:
        """Count, for as long as the server runs: a journal forgets what nobody counts in time."""
        await self._live.has_all()
        while self._live.goes_on():
            while not self._counters.refresh(PIECE) and self._live.goes_on() and not self._live.problem:
                await asyncio.sleep(0)
            self._has_counted.set()
            await asyncio.sleep(IDLE_SECONDS)
