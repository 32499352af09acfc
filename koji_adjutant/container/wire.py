"""One request to the engine whose answer is read while it comes, over a unix socket of its own.

A connection lives as long as its `with` block and is never used for a second request. `Lifeline` is a
connection without a request: it ends when the service does, and so tells a stream that ended from one that
broke.
"""

import http.client
import io
import json
import select
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from koji_adjutant.errors import ConfigError

PREFIX = "/v4.0.0/libpod"
PIECE = 65536


def socket_path(address: str) -> str:
    """The path in `address`: a path, or a URL as CONTAINER_HOST has it. ConfigError for another kind."""
    path = address.removeprefix("http+").removeprefix("unix:")
    path = path.removeprefix("//") if path.startswith("///") else path
    if not path.startswith("/"):
        raise ConfigError(f"podman_socket {address!r} is no unix socket", hint="give a path or unix:///path")
    return path


def connect(path: str, timeout: float | None) -> socket.socket:
    """A connection to the unix socket `path`; OSError when there is none to be had."""
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        found.settimeout(timeout)
        found.connect(path)
    except BaseException:
        found.close()
        raise
    return found


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float | None) -> None:
        super().__init__("engine", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = connect(self._path, self.timeout)


class DeadlinePassed(Exception):
    """A stream did not end in time."""


class StreamBroken(Exception):
    """A stream ended where it cannot end."""


class StreamReset(StreamBroken):
    """A stream was cut by the other side, after all that it had written."""


class StreamedAnswer:
    """The answer to one request: `timeout` seconds to begin, all of it by `deadline` (monotonic), if any.

    `status` and `headers` are there once it was entered. Entering raises what a connection raises,
    reading only the errors above.
    """

    def __init__(
        self,
        path: str,
        method: str,
        target: str,
        *,
        timeout: float | None,
        deadline: float | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._deadline = deadline
        if deadline is not None:
            left = max(deadline - time.monotonic(), 0.001)
            timeout = left if timeout is None else min(left, timeout)
        self._connection = _UnixConnection(path, timeout)
        self._method = method
        self._target = PREFIX + target
        self._body = None if body is None else json.dumps(body).encode()
        self._headers = {"Content-Type": "application/json", **(headers or {})}
        self.status = 0
        self.headers: Mapping[str, str] = {}

    def __enter__(self) -> Self:
        try:
            self._connection.request(self._method, self._target, self._body, self._headers)
            self._socket: socket.socket = self._connection.sock
            self._response = self._connection.getresponse()
            self._limit()
        except BaseException:
            self._connection.close()
            raise
        self.status = self._response.status
        self.headers = dict(self._response.headers)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hang_up()
        self._response.close()
        self._connection.close()

    def read(self, size: int = PIECE) -> bytes:
        """What has come, at most `size` bytes; empty at the end. Raises no error that a reader may raise."""
        try:
            self._limit()
            return self._response.read1(size)
        except TimeoutError as error:
            raise DeadlinePassed from error
        except ConnectionResetError as error:
            raise StreamReset from error
        except (OSError, http.client.HTTPException) as error:
            raise StreamBroken from error

    def _limit(self) -> None:
        # Without a deadline the socket stays blocking throughout: a thread may be writing to it.
        left = None if self._deadline is None else self._deadline - time.monotonic()
        if left is not None and left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)

    def hang_up(self) -> None:
        """End the connection, also for a thread that still writes to it."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def write(self, data: bytes) -> None:
        """Write to the peer's stdin, and leave it open; what a peer that went away did not read is dropped."""
        with suppress(OSError):
            self._socket.sendall(data)

    def send(self, data: bytes) -> None:
        """Write to the peer's stdin and close it; what a peer that went away did not read is dropped."""
        with suppress(OSError):
            self._socket.sendall(data)
            self._socket.shutdown(socket.SHUT_WR)


class AnswerFile(io.RawIOBase):
    """A streamed answer as a file, for those who read files."""

    def __init__(self, answer: StreamedAnswer) -> None:
        super().__init__()
        self._answer = answer

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._answer.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class Lifeline:
    """Tells whether the service that was there at the beginning is there still."""

    def __init__(self, path: str, timeout: float) -> None:
        self._connect: Callable[[], socket.socket] = lambda: connect(path, timeout)

    def __enter__(self) -> Self:
        self._socket = self._connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def alive(self, seconds: float = 0.0) -> bool:
        """Whether the connection stands, for so long: the service never writes to it, so readable means ended."""
        poller = select.poll()
        poller.register(self._socket, select.POLLIN)
        return not poller.poll(seconds * 1000)
