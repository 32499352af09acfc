"""A service manager of the test's own, and a real daemon: what it is told, by whom, and when."""

import array
import contextlib
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from koji_adjutant.host import systemd
from koji_adjutant.testbed.engine.service import Engine
from tests.hubs import Hub
from tests.integration.daemon.kojid_process import PROGRAM, ROOT, Kojid
from tests.pace import slowness
from tests.waiting import PATIENCE

CREDENTIALS = struct.Struct("iII")
WATCHDOG_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class Message:
    """One datagram."""

    when: float
    pid: int
    lines: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ServiceManager:
    """Starts a daemon as systemd does, and listens."""

    kojid: Kojid
    listener: socket.socket
    name: str
    heard: list[Message] = field(default_factory=list)

    def wait_for(self, line: str) -> Message:
        """The next message with `line`; what came before is kept, too."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            message = self._receive()
            if line in message.lines:
                return message
        raise AssertionError(f"never told {line}: {self.heard}")

    def listen(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._receive()

    def _receive(self) -> Message:
        data, ancillary, _, _ = self.listener.recvmsg(4096, socket.CMSG_SPACE(CREDENTIALS.size))
        pid, _, _ = CREDENTIALS.unpack(array.array("B", ancillary[0][2]))
        message = Message(when=time.monotonic(), pid=pid, lines=tuple(data.decode().splitlines()))
        self.heard.append(message)
        return message

    @contextlib.contextmanager
    def running(self, **options: str) -> Iterator[subprocess.Popen[bytes]]:
        file = self.kojid.write_config(**options)
        environment = {
            **self.kojid.environment,
            systemd.VARIABLE: self.name,
            systemd.WATCHDOG: str(int(WATCHDOG_SECONDS * 1e6)),
        }
        argv = [sys.executable, "-c", PROGRAM, "--config", str(file), "--fg", "--verbose"]
        with self.kojid.log.open("ab") as log:
            process = subprocess.Popen(argv, stdout=log, stderr=log, cwd=ROOT, env=environment)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)


@pytest.fixture
def service(hub: Hub, engine: Engine, tmp_path: Path) -> Iterator[ServiceManager]:
    name = f"@{tmp_path}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        listener.settimeout(PATIENCE)
        listener.bind("\0" + name[1:])
        kojid = Kojid(hub=hub, directory=tmp_path, socket=engine.socket)
        yield ServiceManager(kojid=kojid, listener=listener, name=name)


@pytest.mark.timing
def test_a_daemon_from_beginning_to_end(service: ServiceManager) -> None:
    with service.running(sleeptime="600") as process:
        began = service.wait_for("READY=1")
        assert f"MAINPID={process.pid}" in began.lines
        task = service.kojid.hub.admin.makeTask("waittest", [1, 0])
        service.listen(2 * WATCHDOG_SECONDS)
        service.kojid.wait_for(task, "CLOSED")
        process.send_signal(signal.SIGUSR1)
        service.wait_for("RELOADING=1")
        service.wait_for("READY=1")
        process.send_signal(signal.SIGTERM)
        service.wait_for("STOPPING=1")
    assert process.returncode == 0
    assert {message.pid for message in service.heard} == {process.pid}
    gaps = [after.when - before.when for before, after in zip(service.heard, service.heard[1:], strict=False)]
    assert max(gaps) < WATCHDOG_SECONDS * slowness()


def test_a_reload_that_is_refused_is_over_and_says_why(service: ServiceManager) -> None:
    with service.running() as process:
        service.wait_for("READY=1")
        service.kojid.write_config(sleeptime="often")
        process.send_signal(signal.SIGUSR1)
        service.wait_for("RELOADING=1")
        over = service.wait_for("READY=1")
        assert any("STATUS=Not reloaded: " in line and "'often'" in line for line in over.lines)
        service.kojid.write_config()
        process.send_signal(signal.SIGUSR1)
        service.wait_for("RELOADING=1")
        assert "STATUS=" in service.wait_for("READY=1").lines
    assert {message.pid for message in service.heard} == {process.pid}


@pytest.mark.timing
def test_a_hub_that_is_away_is_no_hanging_daemon(service: ServiceManager) -> None:
    with service.running() as process:
        service.wait_for("READY=1")
        service.kojid.hub.hub.control.go_offline()
        away = len(service.heard)
        service.listen(5.0)
        assert process.poll() is None
        service.kojid.hub.hub.control.go_online()
    # As often as it is asked, which is every two to five seconds.
    assert len(service.heard) > away
