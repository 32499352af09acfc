"""Waiting in the event loop for something that may not come."""

import asyncio
from contextlib import suppress


async def within(seconds: float, event: asyncio.Event) -> bool:
    """Whether `event` is set by then."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()
