"""A service manager of the test's own, and a real daemon: what it is told, by whom, and when."""

import array
import contextlib
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import koji
import pytest
import requests

from koji_adjutant import hub_calls, notify
from koji_adjutant.hub import open_session
from koji_adjutant.hub_calls import SIGN_SECONDS
from koji_adjutant.hub_outage import Attempts
from koji_adjutant.testbed.engine import Engine
from tests.unit.conftest import Hub
from tests.unit.daemon.kojid_process import PATIENCE, PROGRAM, ROOT, Kojid

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
            notify.VARIABLE: self.name,
            notify.WATCHDOG: str(int(WATCHDOG_SECONDS * 1e6)),
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
    assert max(gaps) < WATCHDOG_SECONDS


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


def test_a_long_pause_between_attempts_feeds(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    now, signs = [1000.0], [1000.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    clock = SimpleNamespace(monotonic=lambda: now[0], sleep=sleep)
    monkeypatch.setattr(hub_calls, "time", clock)
    monkeypatch.setattr(hub_calls, "Attempts", partial(Attempts, clock=clock.monotonic))
    session = open_session(hub.config(retry_interval=1800))
    session.before_request = lambda: signs.append(now[0])
    session.baseurl = "http://127.0.0.1:9/kojihub"
    session.opts = {**session.opts, "anon_retry": True, "max_retries": 30}
    with pytest.raises(requests.RequestException):
        session.callMethod("getAPIVersion")
    gaps = [after - before for before, after in pairwise(signs)]
    assert now[0] > 1000.0 + 5 * 1800
    assert max(gaps) <= SIGN_SECONDS + 0.001


def test_a_call_that_is_repeated_feeds(hub: Hub) -> None:
    session = open_session(hub.config(max_retries=3, retry_interval=0))
    session.login()
    fed: list[int] = []
    session.before_request = lambda: fed.append(os.getpid())
    session.give_up_early()
    session.baseurl = "http://127.0.0.1:9/kojihub"
    with pytest.raises((koji.GenericError, requests.RequestException)):
        session.callMethod("getAPIVersion")
    assert len(fed) > 1
    session.baseurl = hub.hub.url
    session.logout()
