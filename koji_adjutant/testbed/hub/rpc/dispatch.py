"""From a request to a call and back: one transaction a request, one request at a time.

The dispatcher owns the hub's lock. A request whose call meets a row that an upload holds is undone, waits
without the lock, and is made again, which is what a row lock does to it on a real hub.
"""

import gc
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, BinaryIO
from xmlrpc.client import Fault

import koji

from koji_adjutant.testbed.hub.builds.uploads import Upload, plan_upload, receive
from koji_adjutant.testbed.hub.methods import EXPOSED
from koji_adjutant.testbed.hub.options import HubOptions
from koji_adjutant.testbed.hub.people.sessions import credentials_of, identify
from koji_adjutant.testbed.hub.rpc import wire
from koji_adjutant.testbed.hub.rpc.call import Call, Session
from koji_adjutant.testbed.hub.rpc.database import Database
from koji_adjutant.testbed.hub.rpc.holds import Holds, RowHeld
from koji_adjutant.testbed.hub.rpc.registry import invoke

MULTICALLS = frozenset({"multiCall", "system.multicall"})
# What works while the hub is locked out for all but administrators.
NEVER_LOCKED_OUT = frozenset({"login", "sslLogin", "logout"})

logger = logging.getLogger("koji.adjutant.testbed.hub.rpc")
access = logging.getLogger("koji.adjutant.testbed.hub.access")


@dataclass(frozen=True, kw_only=True)
class Client:
    """What a request says besides its body."""

    address: str
    headers: Mapping[str, str]
    query: str
    certificate: str = ""
    """The common name of a certificate that the TLS layer has accepted."""


@dataclass(kw_only=True)
class Switches:
    """What an operator can switch on a running hub."""

    offline: bool = False
    offline_message: str = "server is offline"
    locked_out: bool = False


class Dispatcher:
    def __init__(self, db: Database, options: HubOptions, paths: koji.PathInfo) -> None:
        self.lock = threading.RLock()
        self.switches = Switches()
        self._db = db
        self._options = options
        self._paths = paths
        self._holds = Holds()
        if not EXPOSED:
            raise RuntimeError("no hub function was imported")

    def rpc(self, client: Client, body: bytes) -> bytes:
        """The answer to a call; raises wire.BadRequest for what is none."""
        if len(body) > self._options.max_request_length:
            raise wire.BadRequest("Invalid request: Request too long")
        time.sleep(self._options.latency)
        request = wire.parse(body)
        _log_access(client, request.method, len(body))
        return self._answer(client, request.method, lambda call: self._dispatch(call, request))

    def upload(self, client: Client, body: BinaryIO) -> bytes:
        """Take the body of a POST into its file; the body is read without the hub's lock."""
        time.sleep(self._options.latency)
        _log_access(client, "upload", int(client.headers.get("Content-Length", 0)))
        planned: list[Upload] = []
        answer = self._answer(client, None, lambda call: planned.append(plan_upload(call, client.query)))
        if not planned:
            return answer
        upload = planned[-1]
        with self._holds.releasing(upload.destination.file, upload.rows):
            return _encoded("upload", lambda: receive(upload, body))[0]

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """The hub's lock, and no garbage collection while it is held.

        A client session of the same process that is collected logs out in its destructor: a call to this hub,
        made by the very thread that it would have to wait for.
        """
        with self.lock:
            collecting = gc.isenabled()
            gc.disable()
            try:
                yield
            finally:
                if collecting:
                    gc.enable()

    def close(self) -> None:
        """Let the call that is being made finish; every later one finds the hub offline."""
        with self.lock:
            self.switches.offline = True

    def local_call(self, session: Session) -> Call:
        """A call from inside, for who holds `lock` and has a transaction open."""
        return Call(db=self._db, session=session, paths=self._paths, options=self._options, holds=self._holds)

    @contextmanager
    def transaction(self) -> Iterator[Database]:
        """The database, for who is not a client: with the lock, committed unless the block raises."""
        with self._exclusive():
            self._db.begin()
            keep = False
            try:
                yield self._db
                keep = True
            finally:
                self._db.end(keep=keep)

    def _answer(self, client: Client, method: str | None, work: Callable[[Call], Any]) -> bytes:
        while True:
            try:
                with self._exclusive():
                    if self.switches.offline:
                        return wire.encode_fault(koji.ServerOffline(self.switches.offline_message))
                    return self._transaction(client, method, work)
            except RowHeld as held:
                self._holds.wait_until_free(held.row)

    def _transaction(self, client: Client, method: str | None, work: Callable[[Call], Any]) -> bytes:
        self._db.begin()
        keep = False
        try:
            answer, good = _encoded(method or "upload", lambda: work(self._identified(client, method)))
            keep = good and self._db.touched
            return answer
        finally:
            self._db.end(keep=keep)

    def _identified(self, client: Client, method: str | None) -> Call:
        credentials = credentials_of(client.headers, client.query)
        session = identify(self._db, self._options, self._holds, credentials, client.address, method)
        session = replace(session, certificate=client.certificate)
        call = replace(self.local_call(session), method=method or "")
        self._enforce_lockout(call, method)
        return call

    def _enforce_lockout(self, call: Call, method: str | None) -> None:
        if not self.switches.locked_out or method in NEVER_LOCKED_OUT:
            return
        if not call.has_permission("admin"):
            raise koji.ServerOffline("Server disabled for maintenance")

    def _dispatch(self, call: Call, request: wire.Request) -> Any:
        if request.method in MULTICALLS:
            return [self._entry(call, entry) for entry in request.params[0]]
        return invoke(call, request.method, request.params)

    def _entry(self, call: Call, entry: Any) -> Any:
        """One call of a multicall: a fault undoes this one only."""
        own = replace(call, method=str(entry["methodName"]))
        try:
            with self._db.savepoint():
                return [invoke(own, entry["methodName"], entry["params"])]
        except RowHeld:
            raise
        except Exception as error:  # noqa: BLE001 - a fault of any kind is the entry's answer
            _log_fault(own.method, error)
            return wire.fault_entry(error)


def _log_access(client: Client, what: str, size: int) -> None:
    """A line a request, for who counts them: the session, what is asked, bytes of the body."""
    session = next(
        (value for name, value in client.headers.items() if name.lower() == "koji-session-id"), "-"
    )
    access.info("session %s: %s, %d bytes", session, what, size)


def _encoded(what: str, work: Callable[[], Any]) -> tuple[bytes, bool]:
    """The encoded answer, and whether it is a result."""
    try:
        return wire.encode_result(work()), True
    except RowHeld:
        raise
    except Exception as error:  # noqa: BLE001 - a fault of any kind is the call's answer
        _log_fault(what, error)
        return wire.encode_fault(error), False


def _log_fault(what: str, error: Exception) -> None:
    """Koji's own faults are part of the protocol; any other one is a mistake, the client's or ours."""
    known = isinstance(error, koji.GenericError | Fault)
    logger.info("%s: %s: %s", what, type(error).__name__, error, exc_info=None if known else error)
