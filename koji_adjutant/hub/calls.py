"""Calls that last: through a hub that is away, a session that ends, a task that was taken from us for our silence.

What is no answer is an outage, which is waited for. An expired session is renewed, and keeps its call number (the hub
keeps counting, the library starts anew). A session or task that the hub has dropped is had again, where that can be
(`on_session_lost`, `claim`). Calls of one session from several threads are made one after the other.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any, cast
from xmlrpc.client import Fault

import koji
import requests

from koji_adjutant.errors import TaskCanceled
from koji_adjutant.hub.claim import TaskClaim  # noqa: TC001 - one way to import
from koji_adjutant.hub.outage import (
    UNCOUNTED,
    UNREADABLE,
    Attempts,
    KeepaliveAdapter,
    NoAnswer,
    Pauses,
    RetryPolicy,
    is_database_away,
    lines_joined,
    may_be_repeated,
)
from koji_adjutant.journal.requests import MADE

SIGN_OF_LIFE_SECONDS = 10.0
"""Between two signs of life while a call is repeated."""
_LOGINS = frozenset({"login", "sslLogin"})

logger = logging.getLogger("koji.adjutant.hub")


class RetryingSession(koji.ClientSession):
    """Koji's ClientSession, whose calls go on through outages, ends of the session, and the loss of a task's claim."""

    callnum: int | None
    logged_in: bool
    sinfo: dict[str, Any] | None
    multicall: Any

    def __init__(
        self,
        baseurl: str,
        opts: dict[str, Any],
        sinfo: dict[str, Any] | None,
        auth_method: Any,
        *,
        pauses: Pauses = Pauses(),
    ) -> None:
        # The library's __getattr__ turns every missing attribute into a call: these come first.
        self.pauses = pauses
        self._lock = threading.RLock()
        self.before_request: Callable[[], None] = _do_nothing
        """Called before each request, those included that repeat one, and now and then between two of them."""
        self.on_session_lost: Callable[[], dict[str, Any] | None] | None = None
        """Called in the thread of a call when the hub does not accept this session any more. Returns what login() gave
        for another session, and may wait for that; None: there will be none."""
        self.log_in_anew: Callable[[], None] | None = None
        """Makes this the session of another login, after the hub has ended the old one, or has renewed it and the new
        key was lost. koji.AuthError when the hub refuses the login."""
        self._has_ended = False
        self._is_logging_in = False
        self.claim: TaskClaim | None = None
        """The task that this session works for, if any: its calls go on for an hour at least."""
        super().__init__(baseurl, opts, sinfo, auth_method)

    def take_over(self, sinfo: dict[str, Any]) -> None:
        """Go on with another session, as the hub gave it out; this process is its only user."""
        with self._lock:
            self.setSession(cast("Any", sinfo))
            self.new_session()

    def new_session(self) -> None:
        """Begin with new connections."""
        super().new_session()
        connections = cast("requests.Session", self.rsession)
        for scheme in ("http://", "https://"):
            connections.mount(scheme, KeepaliveAdapter())

    def _callMethod(  # noqa: N802
        self, name: str, args: Any, kwargs: Mapping[str, Any] | None = None, retry: bool = True
    ) -> Any:
        with self._lock:
            self._have_login()
            if self.multicall:
                library: Any = super()
                return library._callMethod(name, args, dict(kwargs or {}), retry)  # noqa: SLF001
            return self._call(name, args, dict(kwargs or {}), retry=retry)

    def _call(self, name: str, args: Any, kwargs: dict[str, Any], *, retry: bool) -> Any:
        """A call through whatever happens to hub and session. RetryError: it may have been carried out."""
        policy = RetryPolicy.of(self.opts, at_least=self.pauses.claimed if self.claim else 0.0)
        attempts = Attempts(policy, clock=self.pauses.clock, sleep=self._pause, first_wait=self.pauses.first)
        is_renewed = had_anew = False
        while True:
            try:
                return self._answer(name, args, kwargs, attempts if retry or name in _LOGINS else None)
            except koji.RetryError:
                # The hub had answered, the answer was lost, and it does not say it twice.
                if not may_be_repeated(name, args, kwargs):
                    raise
            except koji.AuthError as error:
                if had_anew:
                    # The hub has refused a session that is a moment old, too.
                    raise
                had_anew = self.log_in_anew is not None and (
                    is_renewed or not isinstance(error, koji.AuthExpired)
                )
                is_renewed = self._have_session(name, error, is_renewed=is_renewed)
                if attempts.may_have_been_done and not may_be_repeated(name, args, kwargs):
                    raise koji.RetryError(f"{name}: the session ended meanwhile: {error}") from error
            except koji.ActionNotAllowed:
                if self.claim is None or not self.claim.was_refused(self):
                    raise

    def _have_session(self, name: str, error: koji.AuthError, *, is_renewed: bool) -> bool:
        """A session that the hub may accept, after `error` in a call; whether it is renewed."""
        if name in _LOGINS or self._is_logging_in:
            raise error
        if isinstance(error, koji.AuthExpired) and not is_renewed and self._renewed():
            return True
        if self.log_in_anew is not None:
            logger.warning("the hub has ended our session (%s): logging in anew", error)
            self._has_ended = True
            self._have_login()
            return is_renewed
        sinfo = self.on_session_lost() if self.on_session_lost else None
        if sinfo is None:
            raise error
        self.take_over(sinfo)
        if self.claim is not None:
            self.claim.require(self)
        return is_renewed

    def _answer(self, name: str, args: Any, kwargs: dict[str, Any], attempts: Attempts | None) -> Any:
        """What the hub answers to one call, which keeps its number however often it is sent."""
        handler, headers, request = self._prepCall(name, args, kwargs)
        library: Any = self
        self.retries = 0
        while True:
            self.retries += 1
            if self.retries > 1:
                MADE.hub_retried()
            try:
                # Not the library's _sendCall: it tries twice, and does not say so.
                with MADE.hub(name):
                    return self._sendOneCall(handler, headers, request)
            except Fault as fault:
                problem: Exception = cast("Any", koji.convertFault)(fault)
                if not isinstance(problem, koji.ServerOffline):
                    raise problem from None
            except requests.RequestException as error:
                problem = library._sanitize_connection_error(error)  # noqa: SLF001
                self.new_session()
            if attempts is None or not self._may_wait(problem):
                raise problem from None
            logger.info("Try %s of call %s (%s) failed: %s", self.retries, name, self.callnum, problem)
            if not attempts.wait(problem):
                if self.claim is None:
                    raise problem from None
                raise TaskCanceled(f"the hub has not answered {name} for too long: {problem}") from None
            if name in UNCOUNTED and attempts.may_have_been_done:
                raise koji.RetryError(f"{name}: the answer was lost: {problem}")

    def _pause(self, seconds: float) -> None:
        """Sleep between two attempts, however long the configuration has it, with a sign of life in between."""
        clock = self.pauses.clock
        deadline = clock() + seconds
        while (left := deadline - clock()) > 0:
            self.before_request()
            self.pauses.sleep(min(left, SIGN_OF_LIFE_SECONDS))

    def _may_wait(self, problem: Exception) -> bool:
        if self.claim is not None:
            return True
        is_known = self.sinfo is not None or bool(self.opts.get("anon_retry"))
        return is_known and not cast("Any", koji).is_requests_cert_error(problem)

    def _renewed(self) -> bool:
        """Whether an expired session could be renewed."""
        try:
            self._renew_session()
        except koji.AuthError as error:
            logger.info("session %s could not be renewed: %s", self.session_id, lines_joined(error))
            return False
        return True

    def _have_login(self) -> None:
        """Log in anew if the session has ended; what fails is tried again with the next call."""
        if not self._has_ended or self._is_logging_in or self.log_in_anew is None:
            return
        self._is_logging_in = True
        try:
            self.setSession(cast("Any", None))
            self.log_in_anew()
            self._has_ended = False
        finally:
            self._is_logging_in = False

    def _renew_session(self) -> None:
        number = self.callnum
        library: Any = super()
        try:
            library._renew_session()  # noqa: SLF001
        finally:
            self.logged_in = self.sinfo is not None
        # The hub goes on counting where it was; the login itself took one number.
        self.callnum = (number or 0) + 2

    def _sendOneCall(self, handler: str, headers: Any, request: bytes) -> Any:  # noqa: N802
        self.before_request()
        library: Any = super()
        try:
            answer = library._sendOneCall(handler, headers, request)  # noqa: SLF001
        except Fault as fault:
            if is_database_away(fault):
                raise NoAnswer(f"the hub lost its database: {fault.faultString}") from None
            raise
        except requests.RequestException as error:
            if error.response is not None:
                # The library leaves it open, and its connection with it.
                error.response.close()
            raise
        except UNREADABLE as error:
            raise NoAnswer(f"what came is no answer of a hub: {type(error).__name__}: {error}") from error
        if isinstance(answer, tuple):
            raise NoAnswer("what came has not one value")
        return answer


def _do_nothing() -> None:
    return
