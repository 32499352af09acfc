"""The status server: a process that reads the journal and the public files, and answers over HTTP.

It owns a socket, a lock on its own directory, and the counters in it; all three end with the process, and nothing that
it does is missed by the daemon. It begins anew by itself when the daemon says that it is to listen elsewhere, or when
the file of its socket is gone.
"""

import asyncio
import fcntl
import logging
import os
import secrets
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import NoReturn

import uvicorn
from starlette.types import ASGIApp

from koji_adjutant.errors import ConfigError
from koji_adjutant.monitoring import listen, pages
from koji_adjutant.monitoring.api import Api
from koji_adjutant.monitoring.app import StatusApp
from koji_adjutant.monitoring.connections import LONGEST_HEAD, Connection
from koji_adjutant.monitoring.counters import Counters
from koji_adjutant.monitoring.figures import Figures
from koji_adjutant.monitoring.live import Live
from koji_adjutant.monitoring.registry import Registry
from koji_adjutant.monitoring.settings import Given, Settings, settings
from koji_adjutant.monitoring.site import Site

LOOK_SECONDS = 2.0
"""Between two looks at what the daemon says and at the socket."""
END_SECONDS = 3
LOCK = "lock"
SIGNALS = (signal.SIGTERM, signal.SIGINT)

logger = logging.getLogger("koji.adjutant.monitoring")


def run(given: Given) -> int:
    """Serve until a signal ends it; the exit code. ConfigError."""
    _end_by_signal()
    with ExitStack() as stack:
        stack.enter_context(_locked(given.own_dir))
        wanted: Settings | None = _wait_for_settings(given)
        while wanted is not None:
            wanted = _serve(given, wanted)
            # A loop leaves none behind.
            _end_by_signal()
    return 0


def _end_by_signal() -> None:
    """End in order by a signal that comes while no loop is there to take it."""

    def leave(*_: object) -> NoReturn:
        raise SystemExit(0)

    for number in SIGNALS:
        signal.signal(number, leave)


def _wait_for_settings(given: Given) -> Settings:
    """What the daemon says, as soon as it does."""
    has_said = False
    while (found := settings(given)) is None:
        if not has_said:
            has_said = True
            logger.warning(
                "Waiting for the daemon to say where to listen: it writes %s when it starts with monitoring_enabled",
                given.state_dir / "public" / "monitoring.json",
            )
        time.sleep(LOOK_SECONDS)
    return found


@contextmanager
def _locked(own_dir: Path) -> Iterator[None]:
    """Have the directory of the server's own; ConfigError, when another server has it."""
    try:
        own_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(own_dir / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise ConfigError(
            f"--own-dir {own_dir}: {error.strerror}", hint="it has to be this user's"
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise ConfigError(
            f"--own-dir {own_dir}: another status server has it", hint="give it another"
        ) from None
    finally:
        os.close(handle)


def _serve(given: Given, wanted: Settings) -> Settings | None:
    """Serve until a signal comes, which is None, or until something else is wanted, which is returned."""
    with ExitStack() as stack:
        listener = stack.enter_context(closing(listen.listening(wanted.bind, wanted.group)))
        stack.callback(listen.removed, wanted.bind, listen.identity(wanted.bind))
        registry = stack.enter_context(
            closing(
                Registry(
                    given.state_dir,
                    task_history_ttl=wanted.task_history_ttl,
                    container_history_ttl=wanted.container_history_ttl,
                )
            )
        )
        counters = stack.enter_context(closing(Counters(given.state_dir, given.own_dir)))
        _say_where(wanted, listener)
        return asyncio.run(_served(given, wanted, listener, registry, counters))


def _say_where(wanted: Settings, listener: socket.socket) -> None:
    where = str(wanted.bind)
    if not wanted.bind.path:
        host, port = listener.getsockname()[:2]
        where = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    logger.info("Listening at %s%s", where, ", with a token" if wanted.token_sha256 else "")


async def _served(
    given: Given,
    wanted: Settings,
    listener: socket.socket,
    registry: Registry,
    counters: Counters,
) -> Settings | None:
    live = Live(registry)
    figures = Figures(live, counters)
    server = _Server(live, _application(live, figures, wanted))
    for number in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, server.end)
    watch = _Watch(given, wanted, listen.identity(wanted.bind))
    tasks = [
        asyncio.create_task(work) for work in (live.keep(), figures.keep(), watch.until_other(server.end))
    ]
    for task in tasks:
        task.add_done_callback(_say_if_failed)
    try:
        await server.serve(sockets=[listener])
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return watch.other


def _say_if_failed(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("A part of the server has failed, what is shown is old", exc_info=error)


def _application(live: Live, figures: Figures, wanted: Settings) -> ASGIApp:
    api = Api(live, secrets.token_hex(4))
    site = Site(live, api, pages.Pages(), pages.TAIL_BYTES)
    app = StatusApp(api=api, site=site, metrics=figures, static=pages.STATIC)
    return app.guarded(
        bind=wanted.bind, token_sha256=wanted.token_sha256, policy=pages.CONTENT_SECURITY_POLICY
    )


class _Server(uvicorn.Server):
    """uvicorn's, without its signal handlers: they would end the process by the signal instead of in order."""

    def __init__(self, live: Live, app: ASGIApp) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                loop="asyncio",
                http=Connection,
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                # What clients send is no news, however wrong it is.
                log_level="error",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                h11_max_incomplete_event_size=LONGEST_HEAD,
                timeout_graceful_shutdown=END_SECONDS,
            )
        )
        self._live = live

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them to `_served`."""
        yield

    def end(self) -> None:
        """End soon; those who follow something are let go."""
        self._live.end()
        self.should_exit = True


class _Watch:
    """Looks whether the server is where it should be."""

    def __init__(self, given: Given, wanted: Settings, made: tuple[int, int] | None) -> None:
        self._given = given
        self._wanted = wanted
        self._made = made
        self._said = ""
        self.other: Settings | None = None
        """What is wanted in place of what was; None when nothing else is."""

    async def until_other(self, end: Callable[[], None]) -> None:
        """Call `end` when something else is wanted."""
        while self.other is None:
            await asyncio.sleep(LOOK_SECONDS)
            self.other = self._look()
        end()

    def _look(self) -> Settings | None:
        try:
            found = settings(self._given)
        except ConfigError as error:
            if str(error) != self._said:
                self._said = str(error)
                logger.error("It goes on as it was: %s", error)  # noqa: TRY400
            return None
        if found is not None and found != self._wanted:
            logger.warning("The daemon says otherwise; beginning anew")
            return found
        return self._wanted if self._is_lost() else None

    def _is_lost(self) -> bool:
        """Whether the file of the socket is gone, and may be made again."""
        path = self._wanted.bind.path
        if not path or listen.identity(self._wanted.bind) == self._made or not Path(path).parent.is_dir():
            return False
        logger.warning("%s is gone, or another's; beginning anew", self._wanted.bind)
        return True
