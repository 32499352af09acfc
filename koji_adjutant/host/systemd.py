"""What the service manager is told, over the socket that NOTIFY_SOCKET names; nothing where there is none.

The process that was started has the socket, and keeps it when it starts itself anew. Its children do not: a fork
takes the name out of their environment, so that no task process can say that it is the daemon.
"""

import logging
import math
import os
import socket
import time
from collections.abc import Mapping

VARIABLE = "NOTIFY_SOCKET"
WATCHDOG = "WATCHDOG_USEC"
INVOCATION = "INVOCATION_ID"
"""Which run of a unit a process belongs to."""
START_SECONDS = 300.0
"""From one sign of a daemon that starts to the next."""
SECONDS = 1.0
"""The most that a message may take: a service manager that is stuck is not to hold up the daemon."""

logger = logging.getLogger("koji.adjutant.host")


def is_manager(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether systemd runs this daemon as a unit, and so can run others beside it."""
    return VARIABLE in environment or INVOCATION in environment


def starting() -> None:
    """Tell that the daemon is starting, and needs more time: while tasks run it waits for a hub that is away."""
    _send(f"WATCHDOG=1\nEXTEND_TIMEOUT_USEC={int(START_SECONDS * 1e6)}")


def ready(status: str = "") -> None:
    """Tell that the daemon works, or goes on working; from now on the watchdog has to be fed."""
    _send(f"READY=1\nMAINPID={os.getpid()}\nSTATUS={status}\nWATCHDOG=1")


def feed() -> None:
    """Feed the watchdog: the main loop goes on."""
    _send("WATCHDOG=1")


def stopping() -> None:
    """Tell that the daemon is ending, in order."""
    _send("STOPPING=1")


def reloading() -> None:
    """Tell that the daemon starts itself anew; `ready` follows."""
    _send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}\nWATCHDOG=1")


def patience() -> float:
    """The most seconds between two feedings: half of what the service manager allows."""
    allowed = os.environ.get(WATCHDOG, "") if VARIABLE in os.environ else ""
    return int(allowed) / 2e6 if allowed.isdecimal() and int(allowed) else math.inf


def _send(message: str) -> None:
    name = os.environ.get(VARIABLE, "")
    if not name.startswith(("/", "@")):
        return
    address = "\0" + name[1:] if name.startswith("@") else name
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.settimeout(SECONDS)
            sender.sendto(message.encode(), address)
    except OSError as error:
        logger.warning(
            "The service manager at %s is not told %s: %s", name, message.split(maxsplit=1)[0], error
        )


def _leave_to_parent() -> None:
    os.environ.pop(VARIABLE, None)


os.register_at_fork(after_in_child=_leave_to_parent)
