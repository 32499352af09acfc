"""git-http-backend and a lookaside behind a small web server, which also misbehaves in every way that servers do.

The first element of a path says how it is answered:

    git          repositories, by git-http-backend      private   the same, for whoever has the login
    lookaside    files                                   locked    the same, for whoever has the login
    redirect     elsewhere: the rest is HOST/PATH        error     500
    hang         never                                   trickle   a byte at a time
    endless      without end, of what `trouble` has for the rest of the path
"""

import base64
import secrets
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

from tests.scm.certificates import Certificates
from tests.scm.git_repository import ENVIRONMENT
from tests.scm.trouble import ENDLESS

TRICKLE = 0.5
"""Seconds between two bytes."""
HAS_LOGIN = frozenset({"private", "locked"})
USER = "packager"


@dataclass(frozen=True, kw_only=True)
class Request:
    """What somebody asked for; `login` is what came with it, as user:password."""

    address: str
    path: str
    login: str


@dataclass(kw_only=True)
class WebServer:
    """Serves `root`/git and `root`/lookaside on `host`; `asked` are all requests so far."""

    root: Path
    host: str
    certificates: Certificates | None = None
    password: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    asked: list[Request] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def scheme(self) -> str:
        return "https" if self.certificates else "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.address}"

    @property
    def login(self) -> str:
        """What `private` and `locked` want, as it stands in a URL."""
        return f"{USER}:{self.password}"

    def paths(self, login: str = "") -> list[str]:
        """What was asked for, with that login if one is named."""
        return [one.path for one in self.asked if not login or one.login == login]


@contextmanager
def web_server(root: Path, host: str, certificates: Certificates | None = None) -> Iterator[WebServer]:
    """A server in threads of this process; with certificates it speaks TLS. Who still waits is let go at the end."""
    own = WebServer(root=root, host=host, certificates=certificates)

    class Handler(_Handler):
        server_of: ClassVar[WebServer] = own

    listening = _Server((host, 0), Handler)
    own.port = listening.server_port
    if certificates:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.certificate, certificates.key)
        # The handshake is done by the thread of a connection: one that stalls keeps nobody else waiting.
        listening.socket = context.wrap_socket(
            listening.socket, server_side=True, do_handshake_on_connect=False
        )
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield own
    finally:
        own.stopping.set()
        listening.shutdown()
        listening.hang_up()
        thread.join()
        listening.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self.open: set[socket.socket] = set()

    def finish_request(self, request: Any, client_address: Any) -> None:
        self.open.add(request)
        try:
            super().finish_request(request, client_address)
        finally:
            self.open.discard(request)

    def hang_up(self) -> None:
        """Wake the threads whose clients have gone without a word, as containers do."""
        for connection in tuple(self.open):
            with suppress(OSError):
                # Of TLS too: a proper end would wait for the client's.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no news."""


class _Handler(BaseHTTPRequestHandler):
    server_of: ClassVar[WebServer]
    timeout = 30.0

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, *_words: object) -> None:
        """Who asked is in `asked`."""

    def _answer(self) -> None:
        own = self.server_of
        login = _login(self.headers.get("Authorization", ""))
        own.asked.append(Request(address=own.address, path=self.path, login=login))
        kind, _, rest = self.path[1:].partition("/")
        answers: dict[str, Callable[[str], None]] = {
            "git": self._git,
            "private": self._git,
            "lookaside": self._file,
            "locked": self._file,
            "redirect": self._redirect,
            "hang": self._hang,
            "trickle": self._trickle,
            "endless": self._endless,
            "error": self._fail,
        }
        if kind in HAS_LOGIN and login != own.login:
            self._empty(401, ("WWW-Authenticate", 'Basic realm="sources"'))
            return
        with suppress(OSError):
            answers[kind](rest)

    def _fail(self, _rest: str) -> None:
        self._empty(500)

    def _empty(self, status: int, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (*headers, ("Content-Length", "0")):
            self.send_header(name, value)
        self.end_headers()

    def _file(self, rest: str) -> None:
        path = self.server_of.root / "lookaside" / Path(unquote(rest)).name
        if not path.is_file():
            self._empty(404)
            return
        content = path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _redirect(self, rest: str) -> None:
        self._empty(302, ("Location", f"{self.server_of.scheme}://{rest}"))

    def _hang(self, _rest: str) -> None:
        self.server_of.stopping.wait()

    def _trickle(self, _rest: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/x-git-upload-pack-advertisement")
        self.end_headers()
        while not self.server_of.stopping.wait(TRICKLE):
            self.wfile.write(b"0")

    def _endless(self, rest: str) -> None:
        kind, content = ENDLESS[f"{self.command} {rest.partition('/')[0]}"]
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        for piece in content():
            if self.server_of.stopping.is_set():
                return
            self.wfile.write(piece)

    def _git(self, rest: str) -> None:
        asked = urlsplit(rest)
        environment = {
            **ENVIRONMENT,
            "PATH": "/usr/bin:/bin",
            "GIT_PROJECT_ROOT": str(self.server_of.root / "git"),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "PATH_INFO": f"/{unquote(asked.path)}",
            "QUERY_STRING": asked.query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "REMOTE_ADDR": self.client_address[0],
        }
        # Whole, so that its length can be told: over TLS an answer may not just end.
        done = subprocess.run(
            ["git", "http-backend"], input=self._body(), capture_output=True, env=environment, check=True
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _body(self) -> bytes:
        """What was sent, whole or in chunks."""
        if self.headers.get("Transfer-Encoding", "") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        return b"".join(pieces)


def _login(authorization: str) -> str:
    scheme, _, words = authorization.partition(" ")
    return base64.b64decode(words).decode() if scheme == "Basic" else ""
