"""The session with the hub: Koji's ClientSession, made fit for a daemon that lives for months.

What it adds: the call number survives a renewal (the hub keeps counting, the library starts anew); calls of
one session from several threads are made one after the other; what is no answer is an outage, which is waited
for; a session or task that the hub has dropped while it did not hear from us is had again (`claim`,
`on_session_lost`); one-attempt calls for callers that have a better plan than to sleep; and nothing secret
reaches a log. A session belongs to one process. A task process has a subsession, taken before the fork.
"""

import logging
import os
import socket
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast
from xml.parsers.expat import ExpatError
from xmlrpc.client import Fault

import koji
import requests

from koji_adjutant.config import Config
from koji_adjutant.errors import AdjutantError, ConfigError, LoginFailed, TaskCanceled
from koji_adjutant.hub_claim import TaskClaim
from koji_adjutant.hub_outage import HOUR, UNREADABLE, Attempts, Endurance, LivelyAdapter, NoAnswer
from koji_adjutant.hub_outage import is_database_away
from koji_adjutant.hub_repeat import UNCOUNTED, may_be_repeated

MAX_CHUNK = 1 << 20
ONCE_TIMEOUT = 60
"""Seconds: well below the 180 after which the hub takes a silent host for not ready."""
LOCK_RETRY_SECONDS = 30.0
LOCK_RETRY_INTERVAL = 0.5
SHOWN_CHARACTERS = 1024
_SECRET_METHODS = frozenset({"login", "sslLogin", "subsession"})
_LOGINS = frozenset({"login", "sslLogin"})
_QUIET: Mapping[str, Any] = {"debug_xmlrpc": False}

logger = logging.getLogger("koji.adjutant.hub")


class HubSession(koji.ClientSession):
    """A session; attributes that are not defined here are calls to the hub, as in the library."""

    callnum: int | None
    logged_in: bool
    sinfo: dict[str, Any] | None
    multicall: Any

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
        self._options_of_subsessions = dict(opts or {})
        self.before_request: Callable[[], None] = _do_nothing
        """Called before each request, those included that repeat one."""
        self.on_session_lost: Callable[[], dict[str, Any] | None] | None = None
        """Asked, in the thread of a call, for what login() gave another session when the hub does not accept ours any
        more; may take its time. None: there is none to be had."""
        self.claim: TaskClaim | None = None
        """The task that this session works for: its calls are as patient as its work is dear."""
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
        credentials: dict[str, Any] = {
            key: self.opts[key] for key in ("cert", "serverca") if key in self.opts
        }
        opts = {**self._options_of_subsessions, **credentials}
        return HubSession(self.baseurl, opts, sinfo, self.auth_method)

    def give_up_early(self) -> None:
        """From now on one retry and a minute's patience, for who has to report to the hub regularly.

        What fails is seen at the next poll. Subsessions stay as patient as they are configured.
        """
        patience = min(self.opts.get("timeout") or ONCE_TIMEOUT, ONCE_TIMEOUT)
        self.opts = {**self.opts, "max_retries": 1, "timeout": patience, "offline_retry": False}

    def take_over(self, sinfo: dict[str, Any]) -> None:
        """Go on with another session, as the hub gave it out; this process is its only user."""
        with self._lock:
            self.setSession(sinfo)
            self.new_session()

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
        with self._lock:
            if self.multicall:
                library: Any = super()
                return library._callMethod(name, args, dict(kwargs or {}), retry)  # noqa: SLF001
            return self._call(name, args, dict(kwargs or {}), retry=retry)

    def _call(self, name: str, args: Any, kwargs: dict[str, Any], *, retry: bool) -> Any:
        """A call through whatever happens to hub and session. RetryError: it may have been carried out."""
        attempts = Attempts(Endurance.of(self.opts, at_least=HOUR if self.claim else 0.0))
        is_renewed = False
        while True:
            try:
                return self._answer(name, args, kwargs, attempts if retry else None)
            except koji.RetryError:
                # The hub had answered, the answer was lost, and it does not say it twice.
                if not may_be_repeated(name, args, kwargs):
                    raise
            except koji.AuthError as error:
                if name in _LOGINS:
                    raise
                if isinstance(error, koji.AuthExpired) and not is_renewed:
                    is_renewed = self._renewed()
                if not is_renewed or not isinstance(error, koji.AuthExpired):
                    self._replace(error)
                if attempts.may_have_been_done and not may_be_repeated(name, args, kwargs):
                    raise koji.RetryError(f"{name}: the session ended meanwhile: {error}") from error
            except koji.ActionNotAllowed:
                if self.claim is None or not self.claim.was_refused(self):
                    raise

    def _answer(self, name: str, args: Any, kwargs: dict[str, Any], attempts: Attempts | None) -> Any:
        """What the hub answers to one call, which keeps its number however often it is sent."""
        handler, headers, request = self._prepCall(name, args, kwargs)
        self.retries = 0
        while True:
            self.retries += 1
            try:
                return self._sendCall(handler, headers, request)
            except Fault as fault:
                problem: Exception = cast("Any", koji.convertFault)(fault)
                if not isinstance(problem, koji.ServerOffline):
                    raise problem from None
            except requests.RequestException as error:
                problem = error
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

    def _may_wait(self, problem: Exception) -> bool:
        if self.claim is not None:
            return True
        is_known = self.sinfo is not None or bool(self.opts.get("anon_retry"))
        return is_known and not cast("Any", koji).is_requests_cert_error(problem)

    def _sendOneCall(self, handler: str, headers: Any, request: bytes) -> Any:  # noqa: N802
        library: Any = super()
        try:
            answer = library._sendOneCall(handler, headers, request)  # noqa: SLF001
        except Fault as fault:
            if is_database_away(fault):
                raise NoAnswer(f"the hub lost its database: {fault.faultString}") from None
            raise
        except requests.RequestException:
            raise
        except UNREADABLE as error:
            raise NoAnswer(f"what came is no answer of a hub: {type(error).__name__}: {error}") from error
        if isinstance(answer, tuple):
            raise NoAnswer("what came has not one value")
        return answer

    def new_session(self) -> None:
        """Begin with new connections."""
        super().new_session()
        for scheme in ("http://", "https://"):
            self.rsession.mount(scheme, LivelyAdapter())

    def _renewed(self) -> bool:
        """Whether an expired session could be renewed."""
        try:
            self._renew_session()
        except koji.AuthError as error:
            logger.warning("session %s could not be renewed: %s", self.session_id, error)
            return False
        return True

    def _replace(self, error: koji.AuthError) -> None:
        """Another session for one that the hub does not accept any more; `error` when there is none."""
        sinfo = self.on_session_lost() if self.on_session_lost else None
        if sinfo is None:
            raise error
        self.take_over(sinfo)
        if self.claim is not None:
            self.claim.require(self)

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

    def _sendOneCall(self, handler: str, headers: Any, request: bytes) -> Any:  # noqa: N802
        self.before_request()
        library: Any = super()
        return library._sendOneCall(handler, headers, request)  # noqa: SLF001

    def _renew_session(self) -> None:
        number = self.callnum
        library: Any = super()
        try:
            library._renew_session()  # noqa: SLF001
        finally:
            self.logged_in = self.sinfo is not None
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


def is_session_lost(error: koji.GenericError) -> bool:
    """Whether the hub has ended our session, or taken it for another's."""
    return isinstance(error, koji.AuthError) and not isinstance(error, koji.RetryError)


def open_session(config: Config) -> HubSession:
    """A session with the hub of the configuration, not logged in."""
    return HubSession(config.server, cast("Any", koji.grab_session_options)(config))


def login(
    session: HubSession,
    config: Config,
    *,
    force_lock: bool = False,
    before_lock: Callable[[HubSession], None] = lambda _: None,
) -> None:
    """Log in as the configuration says, call `before_lock`, take the exclusive lock, and see that the hub answers.

    ConfigError for what has to be changed here, LoginFailed for what may be different the next time.
    """
    try:
        _authenticate(session, config)
        before_lock(session)
        session.exclusiveSession(force=force_lock)
        answer = session.echo("OK")
    except koji.AuthLockError:
        raise LoginFailed(
            f"hub {config.server}: another daemon is logged in with this host's credentials",
            hint="stop it, or take the lock with --force-lock",
        ) from None
    except koji.AuthError as error:
        raise _reason(config, error) from None
    except (requests.RequestException, ExpatError, Fault, koji.GenericError) as error:
        raise _connection_problem(config, error) from None
    if answer != ["OK"]:
        raise LoginFailed(f"hub {config.server}: echo answers {answer!r}", hint="check option server")


def _authenticate(session: HubSession, config: Config) -> None:
    if config.cert and Path(config.cert).is_file():
        session.ssl_login(config.cert, None, config.serverca)
    elif config.user:
        if not config.password:
            raise ConfigError(f"user {config.user} has no password", hint="set option password")
        session.login()
    elif cast("Any", koji).reqgssapi:
        _kerberos(session, config)
    else:
        raise ConfigError(
            "no way to log in is configured",
            hint="set cert, or user and password, or install requests-gssapi for Kerberos",
        )


def _kerberos(session: HubSession, config: Config) -> None:
    principal = config.krb_principal or config.host_principal_format.replace("%s", socket.getfqdn())
    cache = Path(config.ccache)
    if cache.exists() and cache.stat().st_size == 0:
        cache.unlink()
    if not os.access(config.keytab, os.R_OK) and not cache.exists():
        raise ConfigError(
            f"keytab {config.keytab} of {principal} cannot be read",
            hint="set keytab, or cert, or user and password",
        )
    session.gssapi_login(principal, config.keytab, config.ccache)


def _reason(config: Config, error: koji.AuthError) -> AdjutantError:
    # The library hides what happened in the text of an AuthError. Ask without credentials.
    try:
        open_session(config).call_once("getAPIVersion")
    except (requests.RequestException, ExpatError, Fault, koji.GenericError) as problem:
        return _connection_problem(config, problem)
    if config.cert and Path(config.cert).is_file():
        who, hint = f"the certificate {config.cert}", "check cert, and that the hub knows its name"
    elif config.user:
        who, hint = f"user {config.user}", "check user and password"
    else:
        who, hint = "the Kerberos principal", "check krb_principal, keytab and the realm"
    return LoginFailed(f"hub {config.server} refuses {who}: {' '.join(str(error).split())}", hint=hint)


def _connection_problem(config: Config, error: Exception) -> AdjutantError:
    reason = " ".join(str(innermost(error)).split())
    if isinstance(error, requests.exceptions.SSLError):
        return ConfigError(
            f"hub {config.server}: its certificate is not trusted: {reason}",
            hint="set serverca to the certificate of the CA that signed it",
        )
    if isinstance(error, (requests.ConnectionError, requests.Timeout)):
        return LoginFailed(
            f"hub {config.server} cannot be reached: {reason}",
            hint="check option server, and that the hub runs",
        )
    return LoginFailed(f"hub {config.server} does not answer as a hub: {reason}", hint="check option server")


def innermost(error: BaseException) -> BaseException:
    """The error that began it, without the names of the libraries that passed it on."""
    while True:
        inside = [
            one for one in (getattr(error, "reason", None), *error.args) if isinstance(one, BaseException)
        ]
        if not inside:
            return error
        error = inside[0]
