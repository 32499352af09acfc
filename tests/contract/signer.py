"""A unix socket of the host that says who has connected: what a signing service looks like to a build."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CREDENTIALS = struct.Struct("3i")


@contextmanager
def signing_socket(path: Path, mode: int) -> Iterator[Path]:
    """A socket that answers each connection with the uid and gid that the kernel gives of its peer."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        path.chmod(mode)
        server.listen()
        answering = threading.Thread(target=_answer, args=(server,), daemon=True)
        answering.start()
        try:
            yield path
        finally:
            server.shutdown(socket.SHUT_RDWR)
            answering.join()


def _answer(server: socket.socket) -> None:
    while True:
        try:
            peer, _ = server.accept()
        except OSError:
            return
        with peer:
            given = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
            _, uid, gid = CREDENTIALS.unpack(given)
            peer.sendall(f"{uid} {gid}\n".encode())
