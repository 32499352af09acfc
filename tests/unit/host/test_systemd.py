"""What the service manager is told: the protocol, and who may speak."""

import math
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from koji_adjutant.host import systemd


@pytest.fixture(params=["path", "abstract"])
def manager(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    name = str(tmp_path / "notify") if request.param == "path" else f"@{tmp_path}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own:
        own.bind("\0" + name[1:] if request.param == "abstract" else name)
        own.settimeout(5)
        monkeypatch.setenv(systemd.VARIABLE, name)
        yield own


def told(manager: socket.socket) -> list[str]:
    return manager.recv(4096).decode().splitlines()


def test_a_life(manager: socket.socket) -> None:
    systemd.starting()
    assert told(manager) == ["WATCHDOG=1", "EXTEND_TIMEOUT_USEC=300000000"]
    systemd.ready()
    assert told(manager) == ["READY=1", f"MAINPID={os.getpid()}", "STATUS=", "WATCHDOG=1"]
    systemd.ready("Not reloaded: for a reason")
    assert told(manager)[2] == "STATUS=Not reloaded: for a reason"
    systemd.feed()
    assert told(manager) == ["WATCHDOG=1"]
    systemd.reloading()
    first, second, _ = told(manager)
    assert first == "RELOADING=1"
    assert int(second.removeprefix("MONOTONIC_USEC=")) > 0
    systemd.stopping()
    assert told(manager) == ["STOPPING=1"]


def test_children_are_not_the_daemon(manager: socket.socket) -> None:
    pid = os.fork()
    if pid == 0:
        systemd.ready()
        os._exit(systemd.VARIABLE in os.environ)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    systemd.feed()
    assert told(manager) == ["WATCHDOG=1"]


@pytest.mark.parametrize("name", ["", "relative", "vsock:2:1"])
def test_no_service_manager(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(systemd.VARIABLE, name)
    monkeypatch.delenv(systemd.WATCHDOG, raising=False)
    systemd.ready()
    assert systemd.patience() == math.inf


def test_one_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(systemd.VARIABLE, str(tmp_path / "gone"))
    systemd.feed()
    assert "is not told WATCHDOG=1" in caplog.text


@pytest.mark.parametrize(("allowed", "seconds"), [("3000000", 1.5), ("0", math.inf), ("soon", math.inf)])
def test_how_often(
    manager: socket.socket, monkeypatch: pytest.MonkeyPatch, allowed: str, seconds: float
) -> None:
    monkeypatch.setenv(systemd.WATCHDOG, allowed)
    assert systemd.patience() == seconds
