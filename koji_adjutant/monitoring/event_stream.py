"""Server-sent events: lines of the journal as they come, and where a client that was away goes on.

The id of an event names the server's run as well as its number, for numbers begin anew with a server. A client that
comes with an id of another run, or too late for what is kept, is told so (`event: reset`) and gets what comes from
then on: it has to look at everything anew.
"""

import asyncio
import re
from collections.abc import AsyncIterator

from koji_adjutant.monitoring.answers import to_json
from koji_adjutant.monitoring.live import POLL_SECONDS, Live
from koji_adjutant.monitoring.registry import KEPT_EVENTS
from koji_adjutant.monitoring.views import EventView

HEARTBEAT_SECONDS = 15.0
"""A line that says nothing, so that a client that is gone is noticed."""
RETRY_MILLISECONDS = 2000
_ID = re.compile(r"([0-9a-f]{1,16})-([0-9]{1,15})", re.ASCII)
RESET = b"event: reset\ndata: {}\n\n"


def begin_after(last_id: str | None, run: str, newest: int) -> int | None:
    """The number of the event that a client had last; None when it has missed some. Without an id: the newest."""
    if not last_id:
        return newest
    found = _ID.fullmatch(last_id)
    if found is None or found[1] != run:
        return None
    number = int(found[2])
    return number if newest - KEPT_EVENTS <= number <= newest else None


def encoded(event: EventView, run: str) -> bytes:
    """An event as it is sent."""
    return b"id: %s-%d\ndata: %s\n\n" % (run.encode(), event.number, to_json(event))


async def sent(live: Live, run: str, last_id: str | None, task: int | None) -> AsyncIterator[bytes]:
    """What goes over the connection, for as long as it lasts."""
    registry = await live.fresh()
    after = begin_after(last_id, run, registry.last_event)
    yield b"retry: %d\n\n" % RETRY_MILLISECONDS
    if after is None:
        after = registry.last_event
        yield RESET
    silent = 0.0
    while live.goes_on():
        registry = await live.fresh()
        if registry.last_event - after > KEPT_EVENTS:
            after = registry.last_event
            yield RESET
        found = registry.events(after)
        after = registry.last_event
        wanted = [encoded(event, run) for event in found if task is None or event.task == task]
        silent = 0.0 if wanted else silent + POLL_SECONDS
        if silent >= HEARTBEAT_SECONDS:
            silent = 0.0
            wanted = [b":\n\n"]
        for piece in wanted:
            yield piece
        await asyncio.sleep(POLL_SECONDS)
