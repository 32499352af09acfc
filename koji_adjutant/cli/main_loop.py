"""The main loop: pass after pass until something ends it, and what is done then.

What goes wrong in a pass does not end the daemon, except a session that the hub does not accept any more.
"""

import logging
import random
import signal
import time
from enum import Enum, auto
from typing import NoReturn

import koji
import requests
from koji.tasks import ServerExit, ServerRestart

from koji_adjutant import notify
from koji_adjutant.daemon import Daemon, Next
from koji_adjutant.hub import innermost

RETRY_SECONDS = (2.0, 5.0)
"""Between two polls of a hub that does not answer: it frees the tasks of hosts that come back late."""

logger = logging.getLogger("koji.adjutant")


class End(Enum):
    """Why the loop has ended."""

    STOP = auto()
    RESTART = auto()
    SESSION_LOST = auto()


def run(daemon: Daemon, *, single: bool) -> End:
    """Until something ends it. `single`: until a task was taken."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGUSR1, lambda *_: _plan_restart(daemon))
    logger.info("Starting up")
    step = Next.WAIT
    try:
        daemon.begin()
        notify.ready()
        while not (single and step is Next.AFTER_TAKE):
            step = _one_pass(daemon, step)
            if step is Next.WAIT:
                daemon.wait()
    except (SystemExit, KeyboardInterrupt, ServerExit):
        logger.warning("Exiting")
    except ServerRestart:
        logger.warning("Restarting")
        return End.RESTART
    except koji.AuthError as error:
        logger.error("The hub ended our session: %s", error)  # noqa: TRY400
        return End.SESSION_LOST
    return End.STOP


def _one_pass(daemon: Daemon, step: Next) -> Next:
    notify.feed()
    try:
        return daemon.one_pass(with_buildroots=step is not Next.AFTER_TAKE)
    except (ServerExit, ServerRestart):
        raise
    except koji.RetryError:
        # The hub had answered, and we did not hear it.
        return Next.AT_ONCE
    except koji.AuthError:
        raise
    except (requests.RequestException, koji.ServerOffline) as error:
        logger.warning("The hub does not answer: %s", innermost(error))
        time.sleep(random.uniform(*RETRY_SECONDS))  # noqa: S311
        return Next.AT_ONCE
    except Exception:
        logger.exception("A pass of the main loop failed")
        return Next.WAIT


def leave(daemon: Daemon, end: End) -> None:
    """Give everything back, as far as the hub lets us."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logger.warning("Shutting down, please wait...")
    if end is End.RESTART:
        notify.reloading()
    else:
        notify.stopping()
    try:
        daemon.shutdown()
        daemon.session.logout()
    except (koji.GenericError, requests.RequestException) as error:
        logger.log(
            logging.INFO if end is End.SESSION_LOST else logging.ERROR, "Not told to the hub: %s", error
        )


def _stop(_number: int, _frame: object) -> NoReturn:
    raise SystemExit


def _plan_restart(daemon: Daemon) -> None:
    logger.warning("Initiating graceful restart")
    daemon.restart_pending = True
