"""The real status server, as a process of its own, and requests to it over its socket."""

import http.client
import json
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tests.waiting import PATIENCE, eventually

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = ("-P", "-m", "koji_adjutant.monitoring")
_LISTENING = re.compile(r"Listening at (?:http://127\.0\.0\.1:(?P<port>[0-9]+)|unix:(?P<path>\S+))")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=PATIENCE)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(self._path)


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server that listens."""

    process: subprocess.Popen[bytes]
    log: IO[bytes]
    port: int = 0
    path: str = ""

    @property
    def url(self) -> str:
        """Of one that listens on loopback."""
        return f"http://127.0.0.1:{self.port}"

    def said(self) -> str:
        """Its log so far."""
        return Path(self.log.name).read_text()

    def connection(self) -> http.client.HTTPConnection:
        """A new one, to be closed."""
        return (
            _UnixConnection(self.path)
            if self.path
            else http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        )

    def ask(self, target: str, method: str = "GET", **headers: str) -> Answer:
        """One request; `_` in the name of a header is `-`."""
        connection = self.connection()
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, target, headers=named)
            response = connection.getresponse()
            lowered = {name.lower(): value for name, value in response.getheaders()}
            return Answer(status=response.status, headers=lowered, body=response.read())
        finally:
            connection.close()

    def raw(self) -> socket.socket:
        """A connection that says nothing yet, to be closed."""
        if self.path:
            made = socket.socket(socket.AF_UNIX)
            made.settimeout(PATIENCE)
            made.connect(self.path)
            return made
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def memory(self) -> int:
        """Bytes that it has in memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+([0-9]+) kB", status)
        assert found
        return int(found[1]) << 10


def argv_for(state_dir: Path, own_dir: Path, *options: str, program: tuple[str, ...] = PROGRAM) -> list[str]:
    """The command line of a server."""
    return [sys.executable, *program, f"--state-dir={state_dir}", f"--own-dir={own_dir}", *options]


@contextmanager
def running_server(
    state_dir: Path,
    own_dir: Path,
    *options: str,
    bind: str = "127.0.0.1:0",
    program: tuple[str, ...] = PROGRAM,
) -> Iterator[Server]:
    """A server of a state directory, until the end of the context; it has to end in order."""
    with tempfile.NamedTemporaryFile(prefix="status-server-", suffix=".log") as log:
        bound = (f"--bind={bind}",) if bind else ()
        argv = argv_for(state_dir, own_dir, *bound, *options, program=program)
        process = subprocess.Popen(argv, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield listening(process, log)
        finally:
            process.terminate()
            code = process.wait(PATIENCE)
        assert code == 0, Path(log.name).read_text()


def listening(process: subprocess.Popen[bytes], log: Any) -> Server:
    """The server of a process, as soon as it listens."""

    def look() -> re.Match[str] | None:
        found = list(_LISTENING.finditer(Path(log.name).read_text()))
        assert found or process.poll() is None, Path(log.name).read_text()
        return found[-1] if found else None

    found = eventually(look, "the server listens")
    assert found
    return Server(process=process, log=log, port=int(found["port"] or 0), path=found["path"] or "")
