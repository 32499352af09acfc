"""The main loop: pass after pass until something ends it, and what is done then.

What goes wrong in a pass does not end the daemon, except a session that the hub does not accept any more. SIGTERM and
SIGINT end it once, with all tasks; SIGUSR1 has it start anew, with all tasks running on, if that would succeed
(koji_adjutant.daemon.reload). No signal is lost on the way from one start to the next: they are held back over the
exec, and one that comes while the daemon starts is obeyed as soon as it has, so that it can give its tasks back.
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

from koji_adjutant import __version__
from koji_adjutant.daemon import Daemon, Next
from koji_adjutant.daemon.recurring import Recurring
from koji_adjutant.daemon.reload import Reloading
from koji_adjutant.host import systemd
from koji_adjutant.hub.outage import LoginUnavailable, innermost
from koji_adjutant.journal.phases import HostEvent, Journal
from koji_adjutant.journal.requests import MADE, RequestReport

RETRY_SECONDS = (2.0, 5.0)
"""Between two polls of a hub that does not answer: it frees the tasks of hosts that come back late."""

START_SECONDS = 5.0
"""How long a daemon that is to end may take to start: it can give its tasks back only then."""
_STOP = threading.Event()
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)

logger = logging.getLogger("koji.adjutant.daemon")


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


def run(daemon: Daemon, reloading: Reloading, *, single: bool) -> End:
    """Until something ends it. `single`: until a task was taken."""
    try:
        if not _STOP.is_set():
            _on_end(_stop)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGUSR1, lambda *_: reloading.ask())
        logger.info("Starting up")
        return _loop(daemon, reloading, single=single)
    except (SystemExit, ServerExit):
        logger.warning("Exiting")
    except koji.AuthError as error:
        logger.error("The hub ended our session: %s", error)  # noqa: TRY400
        return End.SESSION_LOST
    finally:
        reloading.give_up()
    return End.STOP


def _loop(daemon: Daemon, reloading: Reloading, *, single: bool) -> End:
    step, troubles = Next.WAIT, Troubles(daemon.services.journal)
    requests_made = RequestReport(daemon.services.journal, MADE)
    _note_start(daemon)
    daemon.begin()
    systemd.ready()
    # Looked at as well: what a signal raises is lost where Python calls a destructor.
    while not _STOP.is_set() and not (single and step is Next.AFTER_TAKE):
        if reloading.is_due():
            _hold_signals_back()
            logger.warning("Starting anew; tasks go on")
            return End.RELOAD
        try:
            step = one_pass(daemon, step, troubles)
        except ServerRestart:
            if reloading.would_succeed():
                _hold_signals_back()
                logger.warning("Restarting")
                return End.RESTART
            daemon.restart_pending = False
        requests_made.say_if_due()
        if step is Next.WAIT:
            daemon.wait(reloading.patience(), reloading.pidfds())
    return End.STOP


def _note_start(daemon: Daemon) -> None:
    daemon.services.journal.record(
        HostEvent.DAEMON_STARTED,
        version=__version__,
        worker=daemon.services.worker,
        anew=daemon.state.is_started_anew,
        plugins_lost=[outage.plugin for outage in daemon.outages.found],
    )


class Troubles:
    """What a loop may meet again and again: the log has it now and then, the journal its beginning and its end."""

    def __init__(self, journal: Journal, clock: Callable[[], float] = time.monotonic) -> None:
        self._journal = journal
        self._hub = Recurring(clock)
        self.passes = Recurring(clock)

    def hub_failed(self, error: Exception) -> None:
        """A poll has failed: the hub is away, or does not have us."""
        what, is_first = str(innermost(error)), self._hub.seconds is None
        if self._hub.is_to_be_said(what):
            trouble = "No login" if isinstance(error, LoginUnavailable) else "The hub does not answer"
            logger.warning("%s%s: %s", trouble, self._hub.how_long(), what)
        if is_first:
            self._journal.record(HostEvent.HUB_LOST, reason=what, login=isinstance(error, LoginUnavailable))

    def pass_failed(self, error: Exception) -> bool:
        """A pass has failed, for no fault of the hub's; whether it is time to say so."""
        what, is_first = f"{type(error).__name__}: {error}", self.passes.seconds is None
        if is_first:
            self._journal.record(HostEvent.MAIN_LOOP_FAILED, reason=what)
        return self.passes.is_to_be_said(what)

    def over(self) -> None:
        """A pass has succeeded."""
        for trouble, event, message in (
            (self._hub, HostEvent.HUB_BACK, "The hub answers again, after %s"),
            (self.passes, HostEvent.MAIN_LOOP_BACK, "The main loop goes on, after %s"),
        ):
            seconds = trouble.seconds
            if lasted := trouble.over():
                logger.warning(message, lasted)
                self._journal.record(event, seconds=seconds)


def one_pass(
    daemon: Daemon, step: Next, troubles: Troubles, *, sleep: Callable[[float], None] = time.sleep
) -> Next:
    """One pass; what goes wrong in it is logged, and now and then for as long as it does."""
    systemd.feed()
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
        troubles.hub_failed(error)
        daemon.hub_failed()
        sleep(random.uniform(*RETRY_SECONDS))  # noqa: S311
        return Next.AT_ONCE
    except Exception as error:
        if troubles.pass_failed(error):
            logger.exception("A pass of the main loop failed%s", troubles.passes.how_long())
        return Next.WAIT
    troubles.over()
    return step


def leave(daemon: Daemon, end: End) -> None:
    """Give everything back, as far as the hub lets us; before a reload nothing."""
    try:
        _leave(daemon, end)
    finally:
        MADE.say(daemon.services.journal)
        daemon.services.journal.record(HostEvent.DAEMON_STOPPED, why=end.name.lower().replace("_", "-"))


def _leave(daemon: Daemon, end: End) -> None:
    if end in (End.RESTART, End.RELOAD):
        systemd.reloading()
    else:
        systemd.stopping()
        _ignore_signals()
    if end is End.RELOAD:
        daemon.leave_running()
        return
    logger.warning("Shutting down, please wait...")
    if problem := daemon.end():
        level = logging.INFO if end is End.SESSION_LOST else logging.ERROR
        logger.log(level, "Not told to the hub: %s", problem.what)


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
