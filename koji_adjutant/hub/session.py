"""The session with the hub: Koji's ClientSession, made fit for a daemon that lives for months.

HubSession adds to RetryingSession uploads of a task's files, one-attempt calls for callers that have a better plan than
to sleep, and that nothing secret reaches a log. A session belongs to one process. A task process has a subsession,
taken before the fork.
"""

import logging
import os
import socket
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, cast
from xml.parsers.expat import ExpatError
from xmlrpc.client import Fault

import koji
import requests

from koji_adjutant.config import Config
from koji_adjutant.errors import AdjutantError, ConfigError, LoginFailed, LoginRefused, TaskInterrupted
from koji_adjutant.hub.calls import RetryingSession
from koji_adjutant.hub.credentials import session_options
from koji_adjutant.hub.login import check_files, connection_error, has_certificate, login_error, no_keytab
from koji_adjutant.hub.outage import Attempts, LoginUnavailable, Pauses, RetryPolicy, is_disk_full
from koji_adjutant.journal.requests import MADE

MAX_CHUNK = 1 << 20
ONCE_TIMEOUT = 60
"""Seconds: well below the 180 after which the hub takes a silent host for not ready."""
TRIAL_SECONDS = 10.0
LOCK_RETRY_SECONDS = 30.0
UPLOADS = 3
SHOWN_CHARACTERS = 1024
_SECRET_METHODS = frozenset({"login", "sslLogin", "subsession"})
_QUIET: Mapping[str, Any] = {"debug_xmlrpc": False}
_MUTE = logging.getLogger("koji.adjutant.hub.mute")
_MUTE.disabled = True


class HubSession(RetryingSession):
    """A session; attributes that are not defined here are calls to the hub, as in the library."""

    def __init__(
        self,
        baseurl: str,
        opts: dict[str, Any] | None = None,
        sinfo: dict[str, Any] | None = None,
        auth_method: Any = None,
        *,
        pauses: Pauses = Pauses(),
    ) -> None:
        # The library's __getattr__ turns every missing attribute into a call: these come first.
        self._traced = bool((opts or {}).get("debug_xmlrpc"))
        self._options_of_subsessions = dict(opts or {})
        self.last_login_error: Exception | None = None
        """The exception of the last login with certificate or Kerberos that failed: the library raises a text of it."""
        super().__init__(baseurl, {**(opts or {}), **_QUIET}, sinfo, auth_method, pauses=pauses)

    def __repr__(self) -> str:
        return f"<HubSession {self.baseurl}>"

    @property
    def session_id(self) -> int:
        """The number of the session on the hub; koji.AuthError when nobody has logged in."""
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
        return HubSession(self.baseurl, opts, sinfo, self.auth_method, pauses=self.pauses)

    def give_up_early(self) -> None:
        """From now on one retry and a minute's patience, for who has to report to the hub regularly.

        What fails is seen at the next poll. Subsessions stay as patient as they are configured.
        """
        patience = min(self.opts.get("timeout") or ONCE_TIMEOUT, ONCE_TIMEOUT)
        self.opts = {**self.opts, "max_retries": 1, "timeout": patience, "offline_retry": False}

    def forget(self) -> None:
        """Drop the session in this process, and not on the hub: after a fork, where it is not used."""
        library: Any = super()
        library._forget()  # noqa: SLF001

    def close(self) -> None:
        """Drop the connections."""
        cast("requests.Session", self.rsession).close()

    def logout(self, session_id: int | None = None) -> None:
        """End the session on the hub, or one of its children."""
        with self._lock, self._at_most(ONCE_TIMEOUT):
            super().logout(session_id)

    @contextmanager
    def _at_most(self, seconds: float) -> Iterator[None]:
        """In this context a call takes at most `seconds`."""
        usual = self.opts
        self.opts = {**usual, "timeout": min(usual.get("timeout") or seconds, seconds)}
        try:
            yield
        finally:
            self.opts = usual

    def call_once(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """A call without the library's retries; requests.RequestException when no answer came.

        The call may have been carried out: only for what may be asked again.
        """
        with self._lock:
            self._have_login()
            try:
                return self._attempt(name, args, kwargs)
            except koji.RetryError:
                raise
            except koji.AuthError as error:
                self._have_session(name, error, is_renewed=False)
            return self._attempt(name, args, kwargs)

    def with_room(self, what: str, call: Callable[[], None]) -> None:
        """`call`, again while the hub has no room for `what` it is sent. TaskInterrupted when that does not end."""
        attempts = Attempts(
            RetryPolicy.of(self.opts, at_least=self.pauses.claimed), first_wait=self.pauses.first
        )
        while True:
            try:
                call()
            except Fault as fault:
                if not is_disk_full(fault):
                    raise
                if not attempts.wait(fault):
                    raise TaskInterrupted(
                        f"the hub has no room for {what}: {fault.faultString}",
                        hint="make room on the hub's volume, below work",
                    ) from fault
                self.logger.warning("the hub has no room for %s, trying again: %s", what, fault.faultString)
            else:
                return

    def fastUpload(self, localfile: str, *args: Any, **kwargs: Any) -> None:  # noqa: N802
        """Upload a file whole, as the library does; what arrived otherwise, or in part, is sent again."""
        self.with_room(Path(localfile).name, partial(self._fast_upload, localfile, *args, **kwargs))

    def _fast_upload(self, localfile: str, *args: Any, **kwargs: Any) -> None:
        library: Any = super()
        for attempts_left in reversed(range(UPLOADS)):
            try:
                library.fastUpload(localfile, *args, **kwargs)
            except koji.GenericError as error:
                # The library says so of every difference; the hub has kinds for what it does not want.
                if not attempts_left or type(error) not in (koji.GenericError, koji.LockError):
                    raise
                self.logger.warning("upload of %s: %s; sending it again", localfile, error)
                time.sleep(self.pauses.upload)
            else:
                with suppress(OSError):
                    MADE.uploaded(Path(localfile).stat().st_size)
                return

    def gssapi_login(self, *args: Any, **kwargs: Any) -> Any:
        """As in the library, without its lines in the log: the caller says in one line what has failed."""
        usual, self.logger = self.logger, _MUTE
        try:
            return super().gssapi_login(*args, **kwargs)
        finally:
            self.logger = usual

    def _callMethod(  # noqa: N802
        self, name: str, args: Any, kwargs: Mapping[str, Any] | None = None, retry: bool = True
    ) -> Any:
        try:
            return super()._callMethod(name, args, kwargs, retry)
        except koji.RetryError:
            if name != "host.openTask":
                raise
        except (koji.GenericError, requests.RequestException, OSError) as error:
            if name == "sslLogin":
                self.last_login_error = error
            raise
        # Asked again, the hub would say that the task cannot be opened: it is open.
        info: Any = self.callMethod("getTaskInfo", args[0])
        is_open = info["state"] == koji.TASK_STATES["OPEN"]
        return info if is_open and info["host_id"] == self.callMethod("host.getID") else None

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
                time.sleep(self.pauses.lock)

    def _attempt(self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        handler, headers, request = self._prepCall(name, args, dict(kwargs))
        library: Any = self
        try:
            with self._at_most(ONCE_TIMEOUT), MADE.hub(name):
                return library._sendOneCall(handler, headers, request)  # noqa: SLF001
        except Fault as fault:
            raise cast("Any", koji.convertFault)(fault) from None
        except requests.RequestException as error:
            self.new_session()
            raise library._sanitize_connection_error(error) from None  # noqa: SLF001

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


def open_session(config: Config, *, pauses: Pauses = Pauses()) -> HubSession:
    """A session with the hub of the configuration, not logged in."""
    return HubSession(config.server, session_options(config), pauses=pauses)


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
        _take_lock(session, force=force_lock)
        answer = session.echo("OK")
        session.host.getID()
    except koji.AuthLockError:
        raise LoginFailed(
            f"hub {config.server}: another daemon is logged in with this host's credentials",
            hint="stop it, or take the lock with --force-lock",
        ) from None
    except koji.AuthError as error:
        raise _reason(session, config, error) from None
    except (requests.RequestException, ExpatError, Fault, koji.GenericError) as error:
        raise connection_error(config, error) from None
    if answer != ["OK"]:
        raise LoginFailed(f"hub {config.server}: echo answers {answer!r}", hint="check option server")


def try_login(config: Config) -> None:
    """Log in and out, without the lock: ConfigError or LoginFailed where the hub would refuse a start.

    A hub that cannot be reached says nothing about the configuration.
    """
    try:
        with trial_session(config):
            return
    except LoginRefused:
        raise
    except LoginFailed:
        return


@contextmanager
def trial_session(config: Config) -> Iterator[HubSession]:
    """A session beside the daemon's, logged in without the lock and out at the end; of one attempt a call.

    ConfigError or LoginFailed when there is none. While another session has the lock the hub refuses all that it is
    asked in this one (koji.AuthLockError), and answers who has not logged in.
    """
    session = brief_session(config)
    try:
        _authenticate(session, config)
    except (requests.RequestException, ExpatError, Fault, koji.GenericError) as error:
        session.close()
        refused = isinstance(error, koji.AuthError)
        raise (_reason(session, config, error) if refused else connection_error(config, error)) from None
    try:
        yield session
    finally:
        with suppress(koji.GenericError, requests.RequestException):
            session.logout()
        session.close()


def brief_session(config: Config) -> HubSession:
    """A session that is not logged in, and gives up soon."""
    session = open_session(config)
    session.opts = {**session.opts, "timeout": TRIAL_SECONDS, "anon_retry": False, "max_retries": 1}
    session.give_up_early()
    return session


def log_in_anew(
    session: HubSession,
    config: Config,
    before_lock: Callable[[HubSession], None],
    *,
    tasks_run: Callable[[], bool] = lambda: False,
) -> None:
    """Log in again, in a daemon whose session the hub has ended.

    koji.AuthError when another daemon has the lock, or when the hub refuses the login and no task runs.
    LoginUnavailable when the login is to be tried again: for every other failure, and for as long as tasks run.
    """
    try:
        _authenticate(session, config)
        before_lock(session)
        _take_lock(session, force=False)
    except koji.AuthLockError:
        _give_up(session)
        raise
    except (koji.AuthError, AdjutantError) as error:
        _give_up(session)
        problem = error if isinstance(error, AdjutantError) else _reason(session, config, error)
        if isinstance(problem, LoginRefused) and not tasks_run():
            raise koji.AuthError(str(problem)) from None
        raise LoginUnavailable(str(problem)) from None


def _give_up(session: HubSession) -> None:
    with suppress(koji.GenericError, requests.RequestException):
        session.logout()


def _take_lock(session: HubSession, *, force: bool) -> None:
    # A call that was refused is not counted: what is counted already was done, and only its answer was lost.
    with suppress(koji.RetryError):
        session.exclusiveSession(force=force)


def _authenticate(session: HubSession, config: Config) -> None:
    check_files(config)
    session.last_login_error = None
    if has_certificate(config):
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
    cache = Path(config.ccache)
    if cache.exists() and cache.stat().st_size == 0:
        cache.unlink()
    if not os.access(config.keytab, os.R_OK) and not cache.exists():
        raise no_keytab(config, principal_of(config))
    session.gssapi_login(principal_of(config), config.keytab, config.ccache)


def principal_of(config: Config) -> str:
    """The principal of a login by Kerberos."""
    return config.krb_principal or config.host_principal_format.replace("%s", socket.getfqdn())


def _reason(session: HubSession, config: Config, error: Exception) -> AdjutantError:
    return login_error(config, principal_of(config), session.last_login_error or error)
