"""The main loop: pass after pass until something ends it, and what is done then.

What goes wrong in a pass does not end the daemon, except a session that the hub does not accept any more. SIGTERM and
SIGINT end it once, with all tasks; SIGUSR1 has it start anew at once, with all tasks running on. No signal is lost on
the way from one start to the next: they are held back over the exec, and one that comes while the daemon starts is
obeyed as soon as it has, so that it can give its tasks back.
"""

import logging
import random
import signal
import threading
import time
from collections.abc import Callable
from enum import Enum, auto
from types import FrameType
from typing import NoReturn

import koji
import requests
from koji.tasks import ServerExit, ServerRestart

from koji_adjutant import notify
from koji_adjutant.daemon import Daemon, Next
from koji_adjutant.daemon.recurring import Recurring
from koji_adjutant.hub import innermost

RETRY_SECONDS = (2.0, 5.0)
"""Between two polls of a hub that does not answer: it frees the tasks of hosts that come back late."""

START_SECONDS = 5.0
"""How long a daemon that is to end may take to start: it can give its tasks back only then."""
_STOP = threading.Event()
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)

logger = logging.getLogger("koji.adjutant")


class End(Enum):
    """Why the loop has ended."""

    STOP = auto()
    RESTART = auto()
    """A task asked for it: nothing runs."""
    RELOAD = auto()
    """A signal asked for it: tasks run on."""
    SESSION_LOST = auto()


def listen() -> None:
    """From here on an end is orderly; a wish to start anew is fulfilled already."""
    _on_end(_stop_soon)
    signal.signal(signal.SIGALRM, _stop)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


def run(daemon: Daemon, *, single: bool) -> End:
    """Until something ends it. `single`: until a task was taken."""
    try:
        if not _STOP.is_set():
            _on_end(_stop)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGUSR1, lambda *_: _plan_reload(daemon))
        logger.info("Starting up")
        return _loop(daemon, single=single)
    except (SystemExit, ServerExit):
        logger.warning("Exiting")
    except koji.AuthError as error:
        logger.error("The hub ended our session: %s", error)  # noqa: TRY400
        return End.SESSION_LOST
    return End.STOP


def _loop(daemon: Daemon, *, single: bool) -> End:
    step, troubles = Next.WAIT, Troubles()
    try:
        daemon.begin()
        notify.ready()
        # Looked at as well: what a signal raises is lost where Python calls a destructor.
        while not _STOP.is_set() and not (single and step is Next.AFTER_TAKE):
            if daemon.reload_pending:
                _hold_signals_back()
                logger.warning("Starting anew; tasks go on")
                return End.RELOAD
            step = one_pass(daemon, step, troubles)
            if step is Next.WAIT:
                daemon.wait()
    except ServerRestart:
        _hold_signals_back()
        logger.warning("Restarting")
        return End.RESTART
    return End.STOP


class Troubles:
    """What a loop may meet again and again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.hub = Recurring(clock)
        self.passes = Recurring(clock)

    def over(self) -> None:
        """A pass has succeeded."""
        if lasted := self.hub.over():
            logger.warning("The hub answers again, after %s", lasted)
        if lasted := self.passes.over():
            logger.warning("The main loop goes on, after %s", lasted)


def one_pass(daemon: Daemon, step: Next, troubles: Troubles) -> Next:
    """One pass; what goes wrong in it is logged, and now and then for as long as it does."""
    notify.feed()
    try:
        step = daemon.one_pass(with_buildroots=step is not Next.AFTER_TAKE)
    except (ServerExit, ServerRestart):
        raise
    except koji.RetryError:
        # The hub had answered, and we did not hear it.
        return Next.AT_ONCE
    except koji.AuthError:
        raise
    except (requests.RequestException, koji.ServerOffline) as error:
        what = str(innermost(error))
        if troubles.hub.is_to_be_said(what):
            logger.warning("The hub does not answer%s: %s", troubles.hub.how_long(), what)
        time.sleep(random.uniform(*RETRY_SECONDS))  # noqa: S311
        return Next.AT_ONCE
    except Exception as error:
        if troubles.passes.is_to_be_said(f"{type(error).__name__}: {error}"):
            logger.exception("A pass of the main loop failed%s", troubles.passes.how_long())
        return Next.WAIT
    troubles.over()
    return step


def leave(daemon: Daemon, end: End) -> None:
    """Give everything back, as far as the hub lets us; before a reload nothing."""
    if end in (End.RESTART, End.RELOAD):
        notify.reloading()
    else:
        notify.stopping()
        _ignore_signals()
    if end is End.RELOAD:
        daemon.leave_running()
        return
    logger.warning("Shutting down, please wait...")
    try:
        daemon.shutdown()
        daemon.session.logout()
    except (koji.GenericError, requests.RequestException) as error:
        logger.log(
            logging.INFO if end is End.SESSION_LOST else logging.ERROR, "Not told to the hub: %s", error
        )


def _on_end(handler: Callable[[int, FrameType | None], None]) -> None:
    signal.signal(signal.SIGTERM, handler)
    # A shell has background processes ignore it.
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, handler)


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    # Once: a second one changes nothing.
    _ignore_signals()
    _STOP.set()
    raise SystemExit


def _stop_soon(_number: int, _frame: FrameType | None) -> None:
    _ignore_signals()
    _STOP.set()
    signal.setitimer(signal.ITIMER_REAL, START_SECONDS)


def _hold_signals_back() -> None:
    # They stay pending over the exec; `listen` takes them.
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)


def _ignore_signals() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _plan_reload(daemon: Daemon) -> None:
    daemon.reload_pending = True
