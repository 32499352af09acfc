"""A hub that is having a bad day: a proxy in front of it, told at run time which harm to do.

    with HubProxy(server) as proxy, behind(place, session, proxy):
        with proxy.down():
            ...                                    # connections are refused
        with proxy.drop_answer("host.closeTask") as fault:
            ...                                    # the hub has closed the task, and nobody was told
            assert fault.done() == 1

The proxy is a process of its own on loopback and ends with its HubProxy. Every fault is a context manager: at its end
the hub is well again. Faults are restricted to requests that call one of `methods` (a multicall counts for each call
in it, an upload is "rawUpload"), to the first `times` of them, and to one in `every`.
"""

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from koji_adjutant.testbed import builder, services
from koji_adjutant.testbed.content import HOST
from koji_adjutant.testbed.layout import Layout, write_secret

PROGRAM = Path(__file__).with_name("hub_proxy_process.py")
END_SECONDS = 10.0
READY_SECONDS = 60.0


class HubProxy:
    """A proxy in front of the hub at `upstream` (a URL, as in `Description.server`), from `with` to its end."""

    def __init__(self, upstream: str) -> None:
        self._upstream = urlsplit(upstream)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._port = 0

    def __enter__(self) -> Self:
        argv = [sys.executable, str(PROGRAM), self._upstream.netloc]
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._port = int(self._answer())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process, self._process = self._process, None
        if process is not None:
            with process:
                process.kill()

    @property
    def server(self) -> str:
        """The hub's URL as whoever is to suffer has to use it."""
        return self._upstream._replace(netloc=f"127.0.0.1:{self._port}").geturl()

    def down(self) -> "Injected":
        """Connections are refused, and those that exist are cut; what was being processed is, unheard."""
        return Injected(self, {"kind": "down"})

    def status(self, code: int = 500, *, methods: tuple[str, ...] = (), times: int = 0) -> "Injected":
        """An HTTP error; the hub never sees the request."""
        return Injected(self, {"kind": "status", "code": code, "methods": methods, "times": times})

    def garbage(
        self, *, truncated: bool = False, methods: tuple[str, ...] = (), times: int = 0
    ) -> "Injected":
        """An HTML page for an answer, the hub unasked; or half of the hub's own answer."""
        kind = "truncate" if truncated else "garbage"
        return Injected(self, {"kind": kind, "methods": methods, "times": times})

    def offline(self, *, methods: tuple[str, ...] = (), times: int = 0) -> "Injected":
        """The ServerOffline fault, as a hub in maintenance sends it."""
        return Injected(self, {"kind": "offline", "methods": methods, "times": times})

    def delay(
        self, seconds: float, *, methods: tuple[str, ...] = (), times: int = 0, every: int = 1
    ) -> "Injected":
        """Each request waits before it is forwarded."""
        given = {"kind": "delay", "seconds": seconds, "methods": methods, "times": times, "every": every}
        return Injected(self, given)

    def drop_answer(self, *methods: str, times: int = 1, every: int = 1) -> "Injected":
        """The hub processes the request; the connection is closed without an answer. `times` 0: always."""
        return Injected(self, {"kind": "drop_answer", "methods": methods, "times": times, "every": every})

    def tell(self, order: dict[str, Any]) -> Any:
        """One order to the process, and its answer."""
        with self._lock:
            process = self._running()
            assert process.stdin
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.flush()
            return json.loads(self._answer())

    def _answer(self) -> str:
        process = self._running()
        assert process.stdout
        answer = process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the proxy has ended: {process.wait(END_SECONDS)}")
        return answer

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise RuntimeError("the proxy is not started")
        return self._process


class Injected:
    """A fault that is in force from `with` to its end."""

    def __init__(self, proxy: HubProxy, fault: dict[str, Any]) -> None:
        self._proxy = proxy
        self._fault = fault
        self._number: int | None = None
        self._done = 0

    def __enter__(self) -> Self:
        self._number = self._proxy.tell({"begin": self._fault})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done = self._proxy.tell({"end": self._number})
        self._number = None

    def done(self) -> int:
        """How many requests it was done to, also after its end; 0 for `down`, where there are none."""
        return self._done if self._number is None else int(self._proxy.tell({"done": self._number}))

    def wait(self, seconds: float = 60.0, *, times: int = 1) -> None:
        """Until it was done so often; AssertionError when it was not in time."""
        deadline = time.monotonic() + seconds
        while (done := self.done()) < times:
            assert time.monotonic() < deadline, f"{self._fault}: done {done} times in {seconds:.0f} s"
            time.sleep(0.02)


# The daemon of a testbed


@contextmanager
def behind(layout: Layout, session: Any, proxy: HubProxy) -> Iterator[None]:
    """The testbed's daemon uses the proxy in this context. It is restarted at both ends.

    `session` is an administrator's that does not go through the proxy, as Testbed's.
    """
    before = layout.kojid_conf.read_text()
    point_at(layout, proxy.server)
    restart_daemon(layout, session)
    try:
        yield
    finally:
        services.stop(layout.record(builder.DAEMON), grace=READY_SECONDS)
        write_secret(layout.kojid_conf, before)
        restart_daemon(layout, session)


def point_at(layout: Layout, server: str) -> None:
    """Make `server` the hub of the testbed's daemon, from its next start on."""
    text = layout.kojid_conf.read_text()
    write_secret(layout.kojid_conf, re.sub(r"(?m)^server = .*$", f"server = {server}", text, count=1))


def restart_daemon(layout: Layout, session: Any) -> services.Service:
    """Stop the daemon, if it runs, and start it; when this returns it has reported to the hub."""
    services.stop(layout.record(builder.DAEMON), grace=READY_SECONDS)
    began = time.time()
    daemon = builder.start_daemon(layout)
    wait_for_report(layout, session, daemon, after=began)
    return daemon


def wait_for_report(layout: Layout, session: Any, daemon: services.Service, *, after: float) -> None:
    """Until the hub has heard from this daemon, and has it as ready."""
    host = session.getHost(HOST)["id"]
    deadline = time.monotonic() + READY_SECONDS
    while not is_ready(session, host, after):
        log = builder.log_of(layout)
        assert daemon.is_running(), f"the daemon ended: {services.last_line(log)}"
        assert time.monotonic() < deadline, "the daemon does not report to the hub"
        time.sleep(0.05)


def is_ready(session: Any, host: int, after: float) -> bool:
    """Whether the hub has heard since `after` that the host is ready."""
    return bool(session.getHost(host)["ready"] and (session.getLastHostUpdate(host, ts=True) or 0) > after)
