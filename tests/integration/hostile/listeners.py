"""Who would answer if a package could speak to anybody: on loopback, on the bridge's gateway, by name.

They live as long as their context, in threads of this process, and count who came.
"""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

ANSWER = b"here"
LOOPBACK = "127.0.0.1"


@dataclass(kw_only=True)
class Listeners:
    """Addresses as `attack` takes them, and who came to each."""

    tcp_loopback: str
    tcp_gateway: str
    udp_loopback: str
    udp_gateway: str
    abstract: str
    visits: list[str] = field(default_factory=list)


@contextmanager
def listening(gateway: str) -> Iterator[Listeners]:
    """Everybody listens."""
    with ExitStack() as stack:
        streams = [stack.enter_context(socket.create_server((host, 0))) for host in (LOOPBACK, gateway)]
        named = stack.enter_context(socket.socket(socket.AF_UNIX))
        name = f"hostile-{os.getpid()}"
        named.bind(f"\0{name}")
        named.listen()
        datagrams = []
        for host in (LOOPBACK, gateway):
            one = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
            one.bind((host, 0))
            datagrams.append(one)
        tcp, udp = ([address_of(one) for one in kind] for kind in (streams, datagrams))
        found = Listeners(
            tcp_loopback=tcp[0],
            tcp_gateway=tcp[1],
            udp_loopback=udp[0],
            udp_gateway=udp[1],
            abstract=f"@{name}",
        )
        threads = [
            *(threading.Thread(target=_answer_calls, args=(one, found)) for one in (*streams, named)),
            *(threading.Thread(target=_answer_letters, args=(one, found)) for one in datagrams),
        ]
        for thread in threads:
            thread.start()
        try:
            yield found
        finally:
            for one in (*streams, named, *datagrams):
                # Wakes the thread that waits in it, which close does not.
                _shut_down(one)
            for thread in threads:
                thread.join()


def address_of(one: socket.socket) -> str:
    host, port = one.getsockname()
    return f"{host}:{port}"


def _shut_down(one: socket.socket) -> None:
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        # Of a datagram socket that has no partner the thread wakes all the same.
        return


def _answer_calls(one: socket.socket, found: Listeners) -> None:
    while True:
        try:
            connection, _ = one.accept()
        except OSError:
            return
        # Who only wanted to know whether somebody is there has gone by now.
        with connection, suppress(BrokenPipeError, ConnectionResetError):
            found.visits.append(str(one.getsockname()))
            connection.sendall(ANSWER)


def _answer_letters(one: socket.socket, found: Listeners) -> None:
    while True:
        data, sender = one.recvfrom(16)
        if not data:
            return
        found.visits.append(address_of(one))
        one.sendto(ANSWER, sender)
