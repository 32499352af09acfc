"""A connection to the status server, and how long it may do nothing: a client can waste its own time, and no more.

uvicorn's protocol with three limits that it does not have: on how many connections there are, on the time in which a
request has to be complete, and on the time in which what was sent has to be taken. A connection that exceeds one is
closed at once, without a word: whoever is there does not listen. One object per connection.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

MOST_CONNECTIONS = 128
REQUEST_SECONDS = 10.0
"""From the beginning of a connection, or the last answer, to the end of the next request's head."""
STALL_SECONDS = 30.0
"""For which nothing of what was sent is taken."""
LONGEST_HEAD = 16 * 1024
"""Bytes of a request's head."""


class Connection(H11Protocol):
    """One client."""

    most_connections = MOST_CONNECTIONS
    request_seconds = REQUEST_SECONDS
    stall_seconds = STALL_SECONDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._request_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None
        self._unsent = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has come."""
        super().connection_made(transport)
        if len(self.connections) > self.most_connections:
            transport.abort()
        else:
            self._await_request()
            self._watch_sending()

    def connection_lost(self, exc: Exception | None) -> None:
        """It has gone."""
        for timer in (self._request_timer, self._stall_timer):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """It says something."""
        super().data_received(data)
        if self._is_answering():
            self._stop_awaiting()

    def on_response_complete(self) -> None:
        """It has its answer."""
        super().on_response_complete()
        if not self._is_answering():
            self._await_request()

    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _await_request(self) -> None:
        self._stop_awaiting()
        self._request_timer = self.loop.call_later(self.request_seconds, self.transport.abort)

    def _stop_awaiting(self) -> None:
        if self._request_timer is not None:
            self._request_timer.cancel()
            self._request_timer = None

    def _watch_sending(self) -> None:
        """Every so often: a client that takes nothing of what waits for it has gone, whatever its kernel says."""
        unsent = self.transport.get_write_buffer_size()
        if unsent and unsent == self._unsent:
            self.transport.abort()
            return
        self._unsent = unsent
        self._stall_timer = self.loop.call_later(self.stall_seconds, self._watch_sending)
