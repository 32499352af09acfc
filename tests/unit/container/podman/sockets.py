"""Engines that are a socket with an answer, or with none."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from koji_adjutant.container.interface import Timeouts

SHORT = Timeouts(pull=0.2, create=0.2, start=0.2, stop=0.2)


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[str]:
    """A socket that takes connections and never answers."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        yield str(tmp_path / "s")


@contextmanager
def answering(path: Path, body: bytes, status: str = "200 OK", raw: bytes = b"") -> Iterator[str]:
    """A service that answers the first request of every connection, and no other."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    connections: list[socket.socket] = []

    def converse(connection: socket.socket) -> None:
        with suppress(OSError):
            if connection.recv(65536):
                connection.sendall(raw or head.encode() + body)

    def serve(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connections.append(connection)
                threading.Thread(target=converse, args=(connection,), daemon=True).start()

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        server = threading.Thread(target=serve, args=(listener,), daemon=True)
        server.start()
        yield str(path)
        listener.shutdown(socket.SHUT_RDWR)
        server.join()
    for connection in connections:
        connection.close()
