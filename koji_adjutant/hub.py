"""The session with the hub: Koji's ClientSession, made fit for a daemon that lives for months.

What it adds: the call number survives a renewal (the hub keeps counting, the library starts anew); calls of
one session from several threads are made one after the other; one-attempt calls for callers that have a
better plan than to sleep; and nothing secret reaches a log. A session belongs to one process. A task process
has a subsession, taken before the fork.
"""

import threading
import time
import zlib
from collections.abc import Mapping
from typing import Any, cast
from xmlrpc.client import Fault

import koji
import requests

from koji_adjutant.config import Config

MAX_CHUNK = 1 << 20
ONCE_TIMEOUT = 60
"""Seconds: well below the 180 after which the hub takes a silent host for not ready."""
LOCK_RETRY_SECONDS = 30.0
LOCK_RETRY_INTERVAL = 0.5
SHOWN_CHARACTERS = 1024
_SECRET_METHODS = frozenset({"login", "sslLogin", "subsession"})
_QUIET: Mapping[str, Any] = {"debug_xmlrpc": False}


class HubSession(koji.ClientSession):
    """A session; attributes that are not defined here are calls to the hub, as in the library."""

    callnum: int | None
    logged_in: bool
    sinfo: dict[str, Any] | None

    def __init__(
        self,
        baseurl: str,
        opts: dict[str, Any] | None = None,
        sinfo: dict[str, Any] | None = None,
        auth_method: Any = None,
    ) -> None:
        # The library's __getattr__ turns every missing attribute into a call: these come first.
        self._lock = threading.RLock()
        self._traced = bool((opts or {}).get("debug_xmlrpc"))
        super().__init__(baseurl, {**(opts or {}), **_QUIET}, sinfo, auth_method)

    def __repr__(self) -> str:
        return f"<HubSession {self.baseurl}>"

    @property
    def session_id(self) -> int:
        """Its number on the hub."""
        if self.sinfo is None:
            raise koji.AuthError("not logged in")
        return int(self.sinfo["session-id"])

    def subsession(self) -> "HubSession":
        """A session of its own call numbers, which ends with this one."""
        sinfo: dict[str, Any] = self.callMethod("subsession")
        opts = {**self.opts, "debug_xmlrpc": self._traced}
        return HubSession(self.baseurl, opts, sinfo, self.auth_method)

    def forget(self) -> None:
        """Drop the session in this process, and not on the hub: after a fork, where it is not used."""
        library: Any = super()
        library._forget()  # noqa: SLF001

    def logout(self, session_id: int | None = None) -> None:
        """End the session on the hub, or one of its children."""
        with self._lock:
            super().logout(session_id)

    def call_once(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """A call without the library's retries; requests.RequestException when no answer came.

        The call may have been carried out: only for what may be asked again.
        """
        with self._lock:
            try:
                return self._attempt(name, args, kwargs)
            except koji.AuthExpired:
                self._renew_session()
                return self._attempt(name, args, kwargs)

    def upload_chunk(self, path: str, name: str, offset: int, data: bytes) -> None:
        """Write `data` (at most 1 MiB) at `offset` of an uploaded file, which then ends there."""
        if len(data) > MAX_CHUNK:
            raise ValueError(f"{len(data)} bytes in one upload of {name}: the limit is {MAX_CHUNK}")
        answer = self._upload(path, name, offset, data)
        digest = f"{zlib.adler32(data):08x}"
        if (int(answer["size"]), answer["hexdigest"]) != (len(data), digest):
            raise koji.GenericError(
                f"upload of {path}/{name} at {offset}: sent {len(data)} bytes with adler32 {digest}, "
                f"the hub has {answer['size']} with {answer['hexdigest']}"
            )

    def _upload(self, path: str, name: str, offset: int, data: bytes) -> Any:
        deadline = time.monotonic() + LOCK_RETRY_SECONDS
        while True:
            try:
                return self._callMethod("rawUpload", (data, offset, path, name), {"overwrite": True})
            except koji.LockError:
                # An earlier attempt, whose connection broke, still has the file.
                if time.monotonic() > deadline:
                    raise
                time.sleep(LOCK_RETRY_INTERVAL)

    def _callMethod(  # noqa: N802
        self, name: str, args: Any, kwargs: Mapping[str, Any] | None = None, retry: bool = True
    ) -> Any:
        library: Any = super()
        with self._lock:
            return library._callMethod(name, args, dict(kwargs or {}), retry)  # noqa: SLF001

    def _attempt(self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        handler, headers, request = self._prepCall(name, args, dict(kwargs))
        usual, library = self.opts, cast("Any", self)
        self.opts = {**usual, "timeout": min(usual.get("timeout") or ONCE_TIMEOUT, ONCE_TIMEOUT)}
        try:
            return library._sendOneCall(handler, headers, request)  # noqa: SLF001
        except Fault as fault:
            raise cast("Any", koji.convertFault)(fault) from None
        except requests.RequestException as error:
            self.new_session()
            raise library._sanitize_connection_error(error) from None  # noqa: SLF001
        finally:
            self.opts = usual

    def _renew_session(self) -> None:
        number = self.callnum
        library: Any = super()
        library._renew_session()  # noqa: SLF001
        # The hub goes on counting where it was; the login itself took one number.
        self.callnum = (number or 0) + 2

    def _prepCall(  # noqa: N802
        self, name: str, args: Any, kwargs: dict[str, Any] | None = None
    ) -> tuple[str, list[tuple[str, str]], bytes]:
        if self._traced:
            shown = "" if name in _SECRET_METHODS or name == "rawUpload" else f"{args!r} {kwargs or {}!r}"
            self.logger.debug("call %s %s: %s", self.callnum, name, shown[:SHOWN_CHARACTERS])
        library: Any = super()
        prepared: tuple[str, list[tuple[str, str]], bytes] = library._prepCall(name, args, kwargs)  # noqa: SLF001
        return prepared


def open_session(config: Config) -> HubSession:
    """A session with the hub of the configuration, not logged in."""
    return HubSession(config.server, cast("Any", koji.grab_session_options)(config))
