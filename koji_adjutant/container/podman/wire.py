"""One request to the engine whose answer is read while it comes, over a unix socket of its own.

A connection lives as long as its `with` block and is never used for a second request. `Lifeline` is a
connection without a request: it ends when the service does, and so tells a stream that ended from one that
broke.

Output of attach and exec comes multiplexed: frames of an 8-byte header and their data. A header is the stream (1 or 2),
three zero bytes, and the length of the data, big-endian. `FrameSplitter` takes pieces of any size and keeps at most one
incomplete header: data is passed on as it comes, a write for many frames.
"""

import http.client
import io
import json
import select
import socket
import struct
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from koji_adjutant.container.interface import Stream
from koji_adjutant.errors import ConfigError, EngineError

PREFIX = "/v4.0.0/libpod"
PIECE = 65536
HEADER = struct.Struct(">B3xL")
STREAMS: dict[int, Stream] = {0: "stdout", 1: "stdout", 2: "stderr"}


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


class FrameSplitter:
    """Turns pieces of the raw stream into (stream, data)."""

    def __init__(self) -> None:
        self._header = b""
        self._left = 0
        self._stream: Stream = "stdout"

    def feed(self, piece: bytes) -> Iterator[tuple[Stream, bytes]]:
        """What `piece` completes; frames of one stream that follow each other are one. EngineError for no frame."""
        at = 0
        run: list[bytes] = []
        of: Stream = self._stream
        while at < len(piece):
            if self._left:
                if run and of != self._stream:
                    yield of, b"".join(run)
                    run = []
                of = self._stream
                run.append(piece[at : at + self._left])
                at += len(run[-1])
                self._left -= len(run[-1])
            else:
                taken = piece[at : at + HEADER.size - len(self._header)]
                at += len(taken)
                self._header += taken
                if len(self._header) == HEADER.size:
                    self._begin()
        if run:
            yield of, b"".join(run)

    @property
    def complete(self) -> bool:
        """Whether the stream may end here."""
        return not self._left and not self._header

    def _begin(self) -> None:
        number, self._left = HEADER.unpack(self._header)
        if number not in STREAMS or self._header[1:4] != b"\0\0\0":
            raise EngineError(
                f"the engine's output stream has a frame header that is none: {self._header!r}",
                hint="a proxy between us and the podman socket, or a podman older than 4.3, would explain it",
            )
        self._stream = STREAMS[number]
        self._header = b""
