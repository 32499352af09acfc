"""How the main process sleeps, and what ends its sleep: a poke from a task process, a signal, a child's end.

A poke is an empty datagram to a unix socket with a path in the state directory. It carries nothing: whoever is
woken looks at the hub and at its own files. The socket belongs to the main process and goes when it ends.
"""

import logging
import os
import select
import signal
import socket
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self

logger = logging.getLogger("koji.adjutant.wakeup")


def poke(path: Path) -> None:
    """Wake the main process, if there is one; never fails and never waits."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender, suppress(OSError):
        sender.setblocking(False)
        _at(path, sender.connect)
        sender.send(b"\0")


class WakeUp:
    """The main process' end of it."""

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
        """After a fork: leave the main process' socket alone."""
        signal.set_wakeup_fd(-1)
        for end in (self._socket, self._signals, self._signaled):
            end.close()

    def wait(self, seconds: float, pidfds: Iterable[int] = ()) -> None:
        """Sleep until something happens, at most `seconds`."""
        poller = select.poll()
        for fd in (self._socket.fileno(), self._signals.fileno(), *pidfds):
            poller.register(fd, select.POLLIN)
        poller.poll(max(0.0, seconds) * 1000)
        for end in (self._socket, self._signals):
            with suppress(BlockingIOError):
                while end.recv(4096):
                    pass


def _at(path: Path, call: Callable[[str], None]) -> None:
    # The name of a unix socket has at most 107 bytes; a name by way of the directory's descriptor is short.
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        call(f"/proc/self/fd/{directory}/{path.name}")
    finally:
        os.close(directory)
