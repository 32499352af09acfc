"""Processes and servers that a fault consists of. Each lasts as long as its block."""

import json
import resource
import socketserver
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from email.utils import formatdate
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from koji_adjutant.host.files import boot_id
from koji_adjutant.host.processes import start_time
from koji_adjutant.journal.state import MAIN, ProcessName

IDLE = "import signal; print('up', flush=True); signal.pause()"


@contextmanager
def process(*argv: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A process that has said a line and waits."""
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, **options) as made:
        try:
            assert made.stdout
            assert made.stdout.readline()
            yield made
        finally:
            made.kill()


@contextmanager
def main_process(state_dir: Path, *, files: int) -> Iterator[None]:
    """A process that has the state directory, and may open so many files."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

    state_dir.mkdir(mode=0o700)
    with process(sys.executable, "-c", IDLE, preexec_fn=limit) as made:
        name = ProcessName(pid=made.pid, start_time=start_time(made.pid) or 0, boot_id=boot_id())
        (state_dir / MAIN).write_text(json.dumps(asdict(name)))
        yield


@contextmanager
def lock_holder(file: Path) -> Iterator[None]:
    """A process that has the lock of a state directory."""
    script = f"import fcntl, sys; held = open(sys.argv[1], 'ab'); fcntl.lockf(held, fcntl.LOCK_EX); {IDLE}"
    with process(sys.executable, "-c", script, str(file)):
        yield


@contextmanager
def another_kojid(directory: Path, conf: Path) -> Iterator[None]:
    """A process that looks as kojid does, started with `conf`."""
    program = directory / "kojid"
    program.write_text(IDLE)
    with process(sys.executable, str(program), "--fg", "--config", str(conf)):
        yield


class _Clock(BaseHTTPRequestHandler):
    """A hub whose answers have another time."""

    def __init__(self, hub: str, apart: float, *arguments: Any) -> None:
        self.hub, self.apart = hub, apart
        super().__init__(*arguments)

    def date_time_string(self, timestamp: float | None = None) -> str:
        return formatdate((timestamp or time.time()) + self.apart, usegmt=True)

    def do_GET(self) -> None:
        self.send_response(405)
        self.end_headers()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        request = urllib.request.Request(self.hub, body, {"Content-Type": "text/xml"})
        with urllib.request.urlopen(request) as answer:
            content = answer.read()
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@contextmanager
def hub_with_another_clock(hub: str, apart: float) -> Iterator[str]:
    """The URL of `hub` behind a clock that is `apart` seconds ahead."""
    with _served(ThreadingHTTPServer(("127.0.0.1", 0), partial(_Clock, hub, apart))) as server:
        yield f"http://127.0.0.1:{server.server_address[1]}/kojihub"


class _UnixServer(socketserver.UnixStreamServer):
    def get_request(self) -> tuple[Any, Any]:
        connection, _ = super().get_request()
        return connection, ("engine", 0)


class _Engine(BaseHTTPRequestHandler):
    """An engine that answers by the end of a path; what it does not know is not found."""

    def __init__(self, answers: Mapping[str, object], asked: list[str], *arguments: Any) -> None:
        self.answers = answers
        self.asked = asked
        super().__init__(*arguments)

    def do_GET(self) -> None:
        self.asked.append(self.path.partition("?")[0])
        place = "/" + self.path.partition("?")[0].rpartition("/")[2]
        is_known = place in self.answers
        content = json.dumps(self.answers.get(place, {"message": "page not found"})).encode()
        self.send_response(200 if is_known else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if version := self.version:
            self.send_header("Libpod-API-Version", version)
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        self.do_GET()

    @property
    def version(self) -> str:
        """Of the podman that it stands for; empty when it stands for none."""
        info: Any = self.answers.get("/info", {})
        return str(info.get("version", {}).get("Version", ""))

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@contextmanager
def engine_that_says(socket: Path, answers: Mapping[str, object]) -> Iterator[list[str]]:
    """Something at a unix socket that speaks HTTP; the paths that it was asked for."""
    asked: list[str] = []
    with _served(_UnixServer(str(socket), partial(_Engine, answers, asked))):
        yield asked


@contextmanager
def _served(server: Any) -> Iterator[Any]:
    thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.02))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
