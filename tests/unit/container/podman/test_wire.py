"""The engine's socket: reached or not, and never shared."""

import os
import socket
from contextlib import closing
from pathlib import Path

import pytest

from koji_adjutant.container.interface import Timeouts
from koji_adjutant.container.podman.wire import socket_path
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.errors import (
    ConfigError,
    EngineUnavailable,
)
from tests.contract.containers import Output
from tests.unit.container.podman.sockets import SHORT, answering


def test_missing_socket_is_named_with_what_to_do(tmp_path: Path) -> None:
    path = str(tmp_path / "none.sock")
    with (
        closing(PodmanManager(path, Timeouts())) as manager,
        pytest.raises(EngineUnavailable, match=path) as raised,
    ):
        manager.ping()
    assert "No such file" in str(raised.value)
    assert "podman.socket" in raised.value.hint
    assert "podman_socket" in raised.value.hint


def test_socket_that_nobody_serves_refuses(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
    with (
        closing(PodmanManager(str(tmp_path / "s"), Timeouts())) as manager,
        pytest.raises(EngineUnavailable, match="refused"),
    ):
        manager.start("x")
    with (
        closing(PodmanManager(str(tmp_path / "s"), Timeouts())) as manager,
        pytest.raises(EngineUnavailable, match="refused"),
    ):
        manager.stream_logs("x", Output())


def test_what_is_no_engine_is_unavailable(tmp_path: Path) -> None:
    with (
        answering(tmp_path / "r", b"", raw=b"SSH-2.0-OpenSSH\r\n") as path,
        closing(PodmanManager(path, Timeouts())) as manager,
        pytest.raises(EngineUnavailable),
    ):
        manager.ping()


@pytest.mark.parametrize(
    "address", ["/run/p.sock", "unix:/run/p.sock", "unix:///run/p.sock", "http+unix:///run/p.sock"]
)
def test_address_of_a_unix_socket(address: str) -> None:
    assert socket_path(address) == "/run/p.sock"


@pytest.mark.parametrize("address", ["ssh://root@host/run/p.sock", "tcp://127.0.0.1:1", "p.sock", ""])
def test_other_address_is_the_operator_s_mistake(address: str) -> None:
    with pytest.raises(ConfigError, match="podman_socket"):
        socket_path(address)


def test_no_connection_is_shared_over_a_fork(tmp_path: Path) -> None:
    pong = b"HTTP/1.1 200 OK\r\nLibpod-API-Version: 5.4.2\r\nContent-Length: 2\r\n\r\nOK"
    with answering(tmp_path / "r", b"", raw=pong) as path, closing(PodmanManager(path, SHORT)) as manager:
        manager.ping()
        child = os.fork()
        if not child:
            # Nothing more is answered on the parent's connection.
            code = 1
            try:
                manager.ping()
                code = 7
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 7
