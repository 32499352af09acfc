"""A hub that does not answer: what counts as that, and how long a call goes on trying.

An outage is never a task's fault. Whatever comes instead of an answer (no connection, an HTTP error, a page of a
proxy, half an answer, the hub in maintenance or without its database) is tried again; only a fault is an answer.
"""

import random
import re
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from xml.parsers.expat import ExpatError
from xmlrpc.client import Fault, ResponseError

import koji
import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import NewConnectionError

HOUR = 3600.0
FIRST_WAIT = 0.5
UNREADABLE = (ExpatError, ResponseError, HTTPException, ValueError, LookupError, TypeError)
"""What reading an answer ends with when it is none."""
_DATABASE_IS_AWAY = re.compile(
    r"psycopg2\.(OperationalError|InterfaceError|errors\.(AdminShutdown|DiskFull))"
)
_DISK_IS_FULL = re.compile(r"No space left on device|Disk quota exceeded")
_PROBE_AFTER, _PROBE_INTERVAL, _PROBES = 60, 15, 8
"""Seconds, seconds, number: a machine that lost its power says nothing, and a call may take hours."""


class NoAnswer(requests.RequestException):
    """The hub, or what stands in front of it, sent something that is no answer."""


def is_database_away(fault: Fault) -> bool:
    """Whether the hub could not finish a call because it lost its database."""
    return fault.faultCode == 1 and bool(_DATABASE_IS_AWAY.search(str(fault.faultString)))


def is_disk_full(fault: Fault) -> bool:
    """Whether the hub could not keep what it was sent: its own volume is full."""
    return fault.faultCode == 1 and bool(_DISK_IS_FULL.search(str(fault.faultString)))


def was_surely_not_sent(error: BaseException) -> bool:
    """Whether the hub cannot have got the request."""
    if isinstance(error, (koji.ServerOffline, requests.ConnectTimeout)):
        return True
    reason = error.args[0] if error.args else None
    return isinstance(getattr(reason, "reason", reason), NewConnectionError)


@dataclass(frozen=True, kw_only=True)
class Endurance:
    """How long a call goes on. Seconds; the options of the same names say how often, and how long in between."""

    max_retries: int
    interval: float
    offline_retry: bool
    offline_interval: float
    at_least: float = 0.0

    @classmethod
    def of(cls, opts: Mapping[str, Any], *, at_least: float = 0.0) -> "Endurance":
        """As Koji's library reads the options of a session."""
        interval = opts.get("retry_interval", 20)
        return cls(
            max_retries=opts.get("max_retries", 30),
            interval=interval,
            offline_retry=bool(opts.get("offline_retry", False)),
            offline_interval=opts.get("offline_retry_interval", interval),
            at_least=at_least,
        )


class Attempts:
    """The attempts of one call: short waits first, because most outages are short."""

    def __init__(
        self,
        endurance: Endurance,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.failed = 0
        self.may_have_been_done = False
        """Whether an attempt may have reached the hub without an answer reaching us."""
        self._endurance = endurance
        self._clock = clock
        self._sleep = sleep
        self._counted = 0
        self._began = clock()

    def wait(self, error: BaseException) -> bool:
        """After a failure: wait until it is time to try again. False when it is not to be tried again."""
        if not self.failed:
            self._began = self._clock()
        self.failed += 1
        self.may_have_been_done = self.may_have_been_done or not was_surely_not_sent(error)
        if isinstance(error, koji.ServerOffline):
            if self._endurance.offline_retry:
                self._pause(self._endurance.offline_interval)
                return True
            if not self._endurance.at_least:
                return False
        self._counted += 1
        is_long_enough = self._clock() - self._began >= self._endurance.at_least
        if self._counted > self._endurance.max_retries and is_long_enough:
            return False
        if self.failed > 1:
            # The first failure is often that of a connection which was kept too long.
            self._pause(self._endurance.interval)
        return True

    def _pause(self, longest: float) -> None:
        # Not all builders of a hub at the same moment.
        seconds = min(longest, max(FIRST_WAIT, (self._clock() - self._began) / 2))
        self._sleep(seconds * random.uniform(0.75, 1.0))  # noqa: S311


class LivelyAdapter(HTTPAdapter):
    """Connections that notice when the other end is not there any more, however long a call may take."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """As requests has it, with keepalive."""
        options = [
            (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
            (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
            (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _PROBE_AFTER),
            (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _PROBE_INTERVAL),
            (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _PROBES),
        ]
        super().init_poolmanager(*args, **kwargs, socket_options=options)
