"""A hub that does not answer: what counts as that, how long a call goes on trying, and which calls may be made again.

An outage is never a task's fault. Whatever comes instead of an answer (no connection, an HTTP error, a page of a
proxy, half an answer, the hub in maintenance or without its database) is tried again; only a fault is an answer.

A call whose answer was lost may have been carried out. The hub refuses to carry out a call of the same number twice
(RetryError), and does not say what it answered. Calls that change nothing, or nothing more the second time, are simply
made anew; who makes any other one gets the RetryError, and looks at the hub before it acts again (`look_first`).
"""

import logging
import random
import re
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, TypeVar
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
"""TCP keepalive: seconds of silence, seconds between probes, number of probes. A machine that lost its power says
nothing, and a call may take hours."""
_READING = ("get", "list", "read", "check", "echo", "find", "query", "count", "eval", "assertPolicy")
"""How the names of methods begin that change nothing."""
_REPEATABLE = frozenset(
    {
        "cancelTaskChildren",
        "host.setBuildRootState",
        "host.setTaskWeight",
        "host.taskSetWait",
        "host.taskUnwait",
        "host.taskWait",
        "host.taskWaitResults",
        "host.updateBuildRootList",
        "host.updateHost",
        "logoutChild",
        "rawUpload",
        "repo.request",
        "repoInfo",
        "subsession",
        "taskFinished",
    }
)
UNCOUNTED = frozenset({"host.moveBuildToScratch"})
"""Changes files and no record: the hub forgets the call's number and would carry it out twice."""

T = TypeVar("T")

logger = logging.getLogger("koji.adjutant.hub")


class NoAnswer(requests.RequestException):
    """The hub, or what stands in front of it, sent something that is no answer."""


class LoginUnavailable(NoAnswer):
    """A daemon's login did not succeed and is to be tried again: waited for as for a hub that does not answer."""


def innermost(error: BaseException) -> BaseException:
    """The first cause of `error`, without the names of the libraries that passed it on."""
    while True:
        inside = [
            one for one in (getattr(error, "reason", None), *error.args) if isinstance(one, BaseException)
        ]
        if not inside:
            return error
        error = inside[0]


def lines_joined(said: object) -> str:
    """The text of `said` on one line."""
    return " ".join(str(said).split())


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
class RetryPolicy:
    """How often a call is tried, and how long in between (seconds), as kojid's options of these names say.

    `at_least` is for how many seconds it is tried however few `max_retries` are.
    """

    max_retries: int
    interval: float
    offline_retry: bool
    offline_interval: float
    at_least: float = 0.0

    @classmethod
    def of(cls, opts: Mapping[str, Any], *, at_least: float = 0.0) -> "RetryPolicy":
        """The policy of a session with the options `opts`, read and with defaults as in Koji's library."""
        interval = opts.get("retry_interval", 20)
        return cls(
            max_retries=opts.get("max_retries", 30),
            interval=interval,
            offline_retry=bool(opts.get("offline_retry", False)),
            offline_interval=opts.get("offline_retry_interval", interval),
            at_least=at_least,
        )


@dataclass(frozen=True, kw_only=True)
class Pauses:
    """What a session waits for, in seconds, when something is to be tried again."""

    first: float = FIRST_WAIT
    """At the least, before a call that was not answered is made again."""
    upload: float = 1.0
    """Before a file that arrived otherwise is sent again."""
    lock: float = 0.5
    """Before a chunk is sent again of a file that an earlier attempt still holds on the hub."""
    claimed: float = HOUR
    """How long at least a call of a task goes on, and one for which the hub has no room."""
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class Attempts:
    """The attempts of one call: short waits first, because most outages are short."""

    def __init__(
        self,
        policy: RetryPolicy,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        *,
        first_wait: float = FIRST_WAIT,
    ) -> None:
        self.failed = 0
        self.may_have_been_done = False
        """Whether an attempt may have reached the hub without an answer reaching us."""
        self._policy = policy
        self._clock = clock
        self._sleep = sleep
        self._first_wait = first_wait
        self._counted = 0
        self._began = clock()

    def wait(self, error: BaseException) -> bool:
        """After a failure: wait until it is time to try again. False when it is not to be tried again."""
        if not self.failed:
            self._began = self._clock()
        self.failed += 1
        self.may_have_been_done = self.may_have_been_done or not was_surely_not_sent(error)
        if isinstance(error, koji.ServerOffline):
            if self._policy.offline_retry:
                self._pause(self._policy.offline_interval)
                return True
            if not self._policy.at_least:
                return False
        self._counted += 1
        is_long_enough = self._clock() - self._began >= self._policy.at_least
        if self._counted > self._policy.max_retries and is_long_enough:
            return False
        if self.failed > 1:
            # The first failure is often that of a connection which was kept too long.
            self._pause(self._policy.interval)
        return True

    def _pause(self, longest: float) -> None:
        # Not all builders of a hub at the same moment.
        seconds = min(longest, max(self._first_wait, (self._clock() - self._began) / 2))
        self._sleep(seconds * random.uniform(0.75, 1.0))  # noqa: S311


class KeepaliveAdapter(HTTPAdapter):
    """Connections that notice when the other end is not there any more, however long a call may take."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """As in requests, with TCP keepalive."""
        options = [
            (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
            (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
            (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _PROBE_AFTER),
            (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _PROBE_INTERVAL),
            (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _PROBES),
        ]
        super().init_poolmanager(*args, **kwargs, socket_options=options)


# Calls whose answer was lost


def may_be_repeated(name: str, args: Any, kwargs: Mapping[str, Any]) -> bool:
    """Whether a call does no harm that is made a second time."""
    if name == "multiCall":
        return all(_is_harmless(entry["methodName"]) for entry in args[0])
    # Of one parent and label there is one task, however often it is asked for.
    return _is_harmless(name) or (name == "host.subtask" and bool(kwargs.get("label")))


def _is_harmless(name: str) -> bool:
    return name in _REPEATABLE or name.rpartition(".")[2].startswith(_READING)


def look_first(what: str, call: Callable[[], T], look: Callable[[], T | None]) -> T:
    """The result of `call`. When its answer is lost: what `look` finds of it, else `call` again."""
    while True:
        try:
            return call()
        except koji.RetryError as error:
            logger.warning("%s: the answer was lost (%s), looking at the hub", what, error)
        found = look()
        if found is not None:
            return found


def do_once(what: str, call: Callable[[], object], is_done: Callable[[], bool]) -> None:
    """`call`, of which nothing is wanted back; when its answer is lost, again unless `is_done`."""
    look_first(what, lambda: (call(), True)[1], lambda: is_done() or None)
