"""When the main process wakes: by a poke from a task process, a signal, a child's end, or a moment after such an event.

A poke is a datagram of one byte to a unix socket with a path in the state directory. Whoever is woken looks at the hub
and at its own files; the byte says only whether subtasks were made, which the hub may not hand out at once. The socket
belongs to the main process and goes when it ends.

A hub hands tasks out in runs, inside a host's call and at most once per RunInterval. The poll at the moment at which a
subtask was made, or a task has ended, mostly comes before the next run; so a burst of two more follows it. Where the
hub's runs are too rare for that, bursts find nothing, and there are none until a poll of any kind has found a task.
`Bursts` live as long as the main process.
"""

import logging
import math
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self

LOOK, SUBTASKS = b"\0", b"s"
"""The bytes of a poke: LOOK at everything; SUBTASKS were made, and look at everything."""
DELAYS = (1.0, 2.0)
"""Seconds from an event to the polls of its burst: the hub's first and second run, with a RunInterval of 1 or 2."""
IN_VAIN = 3 * len(DELAYS)
"""So many polls of bursts that found no task, and there are no more bursts."""

logger = logging.getLogger("koji.adjutant.daemon")


def poke(path: Path, why: bytes = LOOK) -> None:
    """Wake the main process, if there is one; never fails and never waits."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender, suppress(OSError):
        sender.setblocking(False)
        _at(path, sender.connect)
        sender.send(why)


class WakeUp:
    """The main process' end of the socket, and its sleep."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stack = ExitStack()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._signals, self._signaled = socket.socketpair()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for end in (self._socket, self._signals, self._signaled):
                end.setblocking(False)
                stack.enter_context(end)
            self._path.unlink(missing_ok=True)
            _at(self._path, self._socket.bind)
            stack.callback(self._path.unlink, missing_ok=True)
            self._path.chmod(0o600)
            stack.callback(signal.set_wakeup_fd, signal.set_wakeup_fd(self._signaled.fileno()))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stack.close()

    def close_in_child(self) -> None:
        """After a fork: close the child's copies of the socket, and leave the main process' own alone."""
        signal.set_wakeup_fd(-1)
        for end in (self._socket, self._signals, self._signaled):
            end.close()

    def wait(self, seconds: float, pidfds: Iterable[int] = ()) -> bool:
        """Sleep until something happens, at most `seconds`; whether a poke said that subtasks were made."""
        poller = select.poll()
        for fd in (self._socket.fileno(), self._signals.fileno(), *pidfds):
            poller.register(fd, select.POLLIN)
        poller.poll(max(0.0, seconds) * 1000)
        _drain(self._signals)
        return SUBTASKS in _drain(self._socket)


def _drain(end: socket.socket) -> set[bytes]:
    found = set()
    with suppress(BlockingIOError):
        while data := end.recv(4096):
            found.add(data)
    return found


def _at(path: Path, call: Callable[[str], None]) -> None:
    # The name of a unix socket has at most 107 bytes; a name by way of the directory's descriptor is short.
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        call(f"/proc/self/fd/{directory}/{path.name}")
    finally:
        os.close(directory)


class Bursts:
    """The polls that are due besides the usual ones."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._due: tuple[float, ...] = ()
        self._in_vain = 0

    def begin(self) -> None:
        """Begin a burst: the hub may have a task soon. A burst that goes on begins anew."""
        if self._in_vain < IN_VAIN:
            now = self._clock()
            self._due = tuple(now + delay for delay in DELAYS)

    def polled(self, *, found: bool) -> None:
        """The hub was asked for tasks, and there are some or none."""
        now = self._clock()
        was_due = any(at <= now for at in self._due)
        self._due = tuple(at for at in self._due if at > now)
        if found:
            self._in_vain = 0
        elif was_due:
            self._in_vain += 1
            if self._in_vain >= IN_VAIN:
                self._due = ()

    def seconds(self) -> float:
        """Seconds until the next poll of a burst; infinite when none is to come. Missed polls are none."""
        now = self._clock()
        return min((at - now for at in self._due if at > now), default=math.inf)
