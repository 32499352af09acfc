"""Clients that waste time: the server has as many as it may, and none of them for longer than it should."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

from koji_adjutant.journal.public import public_directory
from koji_adjutant.monitoring.api import MOST_STREAMS
from koji_adjutant.monitoring.connections import MOST_CONNECTIONS
from tests.fakes.journals import Sample
from tests.status_server import Server, running_server
from tests.waiting import eventually

IMPATIENT = ("-m", "tests.integration.monitoring.impatient_server")
HUGE = 1 << 30
"""Bytes of a log that is one hole."""
HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
MOST_MORE = 16 << 20
"""Bytes of memory that a bad client may cost."""


@pytest.fixture(scope="module")
def impatient(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a second's patience for a request, or for a client that takes nothing."""
    own_dir = tmp_path_factory.mktemp("own")
    with running_server(sample.state_dir, own_dir, program=IMPATIENT) as server:
        yield server


def is_closed(connection: socket.socket) -> bool:
    """Whether the server has closed it; what it has sent is read and forgotten."""
    try:
        return not connection.recv(1 << 20, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def test_who_says_nothing_is_let_go(impatient: Server) -> None:
    with closing(impatient.raw()) as silent, closing(impatient.raw()) as half:
        half.sendall(HEAD)
        eventually(lambda: is_closed(silent), "the silent one is let go")
        eventually(lambda: is_closed(half), "the one that does not end is let go")


def test_who_says_it_letter_by_letter_is_let_go(impatient: Server) -> None:
    def says_more(connection: socket.socket) -> bool:
        try:
            connection.send(b"x")
        except ConnectionError:
            return False
        return not is_closed(connection)

    with closing(impatient.raw()) as slow:
        slow.sendall(HEAD + b"X-Slow: ")
        eventually(lambda: not says_more(slow), "the slow one is let go")


def test_who_has_an_answer_and_asks_for_half_of_another_is_let_go(impatient: Server) -> None:
    with closing(impatient.raw()) as connection:
        connection.sendall(HEAD + b"\r\n" + HEAD)
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        eventually(lambda: is_closed(connection), "it is let go")


def test_who_follows_may_take_his_time(impatient: Server, sample: Sample) -> None:
    """Nothing comes for a while: that is no fault of the client's."""
    with closing(impatient.connection()) as connection:
        connection.request("GET", f"/tasks/{sample.running}/logs/build.log?follow=1&tail=1")
        response = connection.getresponse()
        assert response.status == 200
        with closing(impatient.raw()) as silent:
            eventually(lambda: is_closed(silent), "more time passes than a request may take")
        log = public_directory(sample.state_dir) / "logs" / str(sample.running) / "build.log"
        with log.open("ab") as file:
            file.write(b"at last\n")
        assert b"at last\n" in iter(response.readline, b"")


def test_who_takes_nothing_is_let_go_and_costs_no_memory(impatient: Server, sample: Sample) -> None:
    log = public_directory(sample.state_dir) / "logs" / str(sample.closed) / "root.log"
    os.truncate(log, HUGE)
    before = impatient.memory()
    with ExitStack() as stack:
        connections = [stack.enter_context(closing(impatient.raw())) for _ in range(8)]
        for connection in connections:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(
                f"GET /tasks/{sample.closed}/logs/root.log HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
            )
        eventually(lambda: open_connections(impatient) == 0, "those who take nothing are let go")
        assert impatient.memory() - before < MOST_MORE
    assert impatient.ask("/healthz").status == 200


def open_connections(server: Server) -> int:
    """How many sockets the server has besides the one that it listens on."""
    found = 0
    for path in Path(f"/proc/{server.process.pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            found += str(path.readlink()).startswith("socket:")
    return found - OWN_SOCKETS


OWN_SOCKETS = 3
"""That it listens on, and the pair by which signals wake the loop."""


def test_there_are_only_so_many_connections(server: Server) -> None:
    with ExitStack() as stack:
        follower = stack.enter_context(closing(server.raw()))
        follower.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert follower.recv(16).startswith(b"HTTP/1.1 200")
        for _ in range(MOST_CONNECTIONS):
            stack.enter_context(closing(server.raw()))
        with closing(server.raw()) as one_more:
            eventually(lambda: is_closed(one_more), "one more is not let in")
        assert not is_closed(follower)
    eventually(lambda: open_connections(server) == 0, "all have gone")
    assert server.ask("/healthz").status == 200


def test_there_are_only_so_many_who_follow(server: Server) -> None:
    with ExitStack() as stack:
        for _ in range(MOST_STREAMS):
            connection = stack.enter_context(closing(server.connection()))
            connection.request("GET", "/events")
            assert connection.getresponse().status == 200
        refused = server.ask("/events")
        assert (refused.status, refused.headers["retry-after"]) == (503, "5")
        assert server.ask("/status").status == 200
    eventually(lambda: server.ask("/events", "HEAD").status == 200, "there is room again")
