"""The hub's HTTP side: one thread a connection, HTTP/1.1 with connections kept.

`/kojihub` takes calls and uploads, `/kojifiles` gives files. A server that listens for builds' containers is
given no dispatcher and so has files only.
"""

import io
import logging
import socket
import socketserver
import ssl
import sys
import threading
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

from koji_adjutant.testbed.hub.rpc import files, wire
from koji_adjutant.testbed.hub.rpc.dispatch import Client, Dispatcher
from koji_adjutant.testbed.hub.rpc.negotiate import SCHEME, Acceptor

HUB_PATH = "/kojihub"
LOGIN_PATH = f"{HUB_PATH}/ssllogin"
"""Where clients log in with certificates: a web server can ask for them there alone."""
FILES_PATH = "/kojifiles"
CHUNK = 1 << 20

Connection = socket.socket | tuple[bytes, socket.socket]

logger = logging.getLogger("koji.adjutant.testbed.hub.rpc")


class HubServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        address: str,
        port: int,
        topdir: Path,
        dispatcher: Dispatcher | None,
        tls: ssl.SSLContext | None = None,
        acceptor: Acceptor | None = None,
    ) -> None:
        self.acceptor = acceptor
        self.topdir = topdir
        self._tls = tls
        self.dispatcher = dispatcher
        self._connections: set[socket.socket] = set()
        self._connections_lock = threading.Lock()
        super().__init__((address, port), HubHandler)

    def server_bind(self) -> None:
        # Not HTTPServer's, which asks the resolver for this machine's name.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self._tls is not None:
            # The handshake is made where the connection is served, not where connections are accepted.
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def process_request(self, request: Connection, client_address: object) -> None:
        if isinstance(request, socket.socket):
            with self._connections_lock:
                self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Connection) -> None:
        if isinstance(request, socket.socket):
            with self._connections_lock:
                self._connections.discard(request)
        super().shutdown_request(request)

    def cut_connections(self) -> None:
        """End what clients keep open, as the end of a server process would."""
        with self._connections_lock:
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Connection, client_address: object) -> None:  # noqa: ARG002
        if isinstance(sys.exception(), OSError):
            logger.info("connection of %s lost: %s", client_address, sys.exception())
            return
        logger.exception("connection of %s", client_address)


class Body(io.RawIOBase):
    """The body of one request: as many bytes as its header says, and no more."""

    def __init__(self, stream: BinaryIO, length: int) -> None:
        super().__init__()
        self._stream = stream
        self._left = length

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        data = self._stream.read(wanted) if wanted else b""
        if len(data) < wanted:
            raise ConnectionResetError("the client went away in the middle of a body")
        self._left -= len(data)
        return data

    def drain(self) -> None:
        while self.read(CHUNK):
            continue


class HubHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "koji-adjutant-testbed"
    disable_nagle_algorithm = True
    wbufsize = -1
    # A client that is silent for as long in the middle of something is gone, and what it holds is let go.
    timeout = 120
    server: HubServer
    answer = ""
    """What shows a client of Kerberos who we are, in the answer to its login."""

    def do_GET(self) -> None:
        self._serve(with_body=True)

    def do_HEAD(self) -> None:
        self._serve(with_body=False)

    def do_POST(self) -> None:
        path = urlsplit(self.path)
        length = self.headers.get("Content-Length")
        if length is None or not length.isdigit():
            self.close_connection = True
            self._reply(HTTPStatus.LENGTH_REQUIRED, b"A request needs a Content-Length.\n")
            return
        body = Body(cast("BinaryIO", self.rfile), int(length))
        if path.path.rstrip("/") not in {HUB_PATH, LOGIN_PATH} or self.server.dispatcher is None:
            body.drain()
            self._reply(HTTPStatus.NOT_FOUND, b"There is no hub here.\n")
            return
        name = _common_name(self.connection)
        acceptor = self.server.acceptor if path.path.rstrip("/") == LOGIN_PATH and not name else None
        if acceptor is not None:
            accepted = acceptor.accept(self.headers.get("Authorization", ""))
            if accepted is None:
                body.drain()
                self._reply(HTTPStatus.UNAUTHORIZED, b"A ticket is needed here.\n", negotiate=SCHEME)
                return
            name, self.answer = accepted.principal, f"{SCHEME} {accepted.answer}"
        client = Client(
            address=self.client_address[0],
            headers=dict(self.headers.items()),
            query=path.query,
            certificate=name,
        )
        try:
            self._call(self.server.dispatcher, client, body)
        except OSError as error:
            # Of the connection: what goes wrong in a call is its answer.
            logger.info("connection of %s lost: %s", self.address_string(), error)
            self.close_connection = True

    def _call(self, dispatcher: Dispatcher, client: Client, body: Body) -> None:
        try:
            if self.headers.get("Content-Type") == "application/octet-stream":
                answer = dispatcher.upload(client, cast("BinaryIO", body))
            else:
                answer = dispatcher.rpc(client, body.read())
        except wire.BadRequest as error:
            self._reply(HTTPStatus.BAD_REQUEST, f"{error}\n".encode())
            return
        # A refused upload is answered after its body, which else would be taken for the next request.
        body.drain()
        negotiate, self.answer = self.answer, ""
        self._reply(HTTPStatus.OK, answer, content_type="text/xml", negotiate=negotiate)

    def _serve(self, *, with_body: bool) -> None:
        path = urlsplit(self.path).path
        if path.rstrip("/") == HUB_PATH and self.server.dispatcher is not None:
            text = b"This is an XML-RPC server. Only POST requests are accepted.\n"
            self._reply(HTTPStatus.METHOD_NOT_ALLOWED, text, allow="POST")
            return
        if path != FILES_PATH and not path.startswith(FILES_PATH + "/"):
            self._reply(HTTPStatus.NOT_FOUND, b"Files are below /kojifiles/.\n")
            return
        answer = files.answer(self.server.topdir, path.removeprefix(FILES_PATH), self.headers.get("Range"))
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self._send(answer)

    def _send(self, answer: files.FileAnswer) -> None:
        self.wfile.write(answer.text)
        if answer.file is None:
            return
        left = answer.length
        with answer.file.open("rb") as content:
            content.seek(answer.start)
            while left and (chunk := content.read(min(CHUNK, left))):
                self.wfile.write(chunk)
                left -= len(chunk)
        if left:
            # The file was cut while it was sent: the length is promised, so only closing tells the client.
            self.close_connection = True

    def _reply(
        self,
        status: HTTPStatus,
        content: bytes,
        *,
        content_type: str = "text/plain",
        allow: str = "",
        negotiate: str = "",
    ) -> None:
        self.send_response(status)
        self.send_header("Koji-Version", wire.KOJI_VERSION)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        if allow:
            self.send_header("Allow", allow)
        if negotiate:
            self.send_header("WWW-Authenticate", negotiate)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        logger.debug("%s %s", self.address_string(), format % args)

    def address_string(self) -> str:
        return str(self.client_address[0])


def _common_name(connection: socket.socket) -> str:
    """The common name in the certificate that the client has shown; empty without a certificate."""
    shown = connection.getpeercert() if isinstance(connection, ssl.SSLSocket) else None
    subject = cast("tuple[tuple[tuple[str, str], ...], ...]", (shown or {}).get("subject", ()))
    return next((value for part in subject for name, value in part if name == "commonName"), "")
