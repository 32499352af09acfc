"""The process between a daemon and its hub: forwards requests byte for byte, except where it is told to do harm.

Run by `hub_proxy.HubProxy`, which speaks to it in lines of JSON over standard input and output. It lives as long as
its standard input is open, so that it ends with whoever started it. The first line that it writes is its port.
"""

import argparse
import json
import re
import socket
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, BinaryIO

LOOPBACK = "127.0.0.1"
HEAD_LIMIT = 1 << 16
UPLOAD = "rawUpload"
PATIENCE = 600.0
OFFLINE_CODE = 1014
"""koji.ServerOffline.faultCode; a unit test compares them."""
OFFLINE = (
    "<?xml version='1.0'?>\n<methodResponse>\n<fault>\n<value><struct>\n"
    f"<member>\n<name>faultCode</name>\n<value><int>{OFFLINE_CODE}</int></value>\n</member>\n"
    "<member>\n<name>faultString</name>\n<value><string>server is offline</string></value>\n</member>\n"
    "</struct></value>\n</fault>\n</methodResponse>\n"
).encode()
PAGE = b"<!DOCTYPE html>\n<html><head><title>Sorry</title></head><body><p>Something is wrong here.</body></html>\n"
_METHOD = re.compile(rb"<methodName>\s*([^<\s]+)\s*</methodName>")
_INNER = re.compile(rb"<name>methodName</name>\s*<value>\s*(?:<string>)?([^<]+)<")


@dataclass(kw_only=True)
class Fault:
    """What is done to requests, until it is cleared or has been done `times` times (0: always)."""

    kind: str
    methods: frozenset[str] = frozenset()
    times: int = 0
    every: int = 1
    seconds: float = 0.0
    code: int = 500
    seen: int = 0
    done: int = 0

    def meets(self, methods: frozenset[str]) -> bool:
        """Whether this request is one for it; counts."""
        if (self.methods and not self.methods & methods) or (self.times and self.done >= self.times):
            return False
        self.seen += 1
        if self.seen % self.every:
            return False
        self.done += 1
        return True


@dataclass(frozen=True, kw_only=True)
class Message:
    """A request or an answer as it came."""

    head: bytes
    body: bytes

    @property
    def raw(self) -> bytes:
        return self.head + self.body

    @property
    def methods(self) -> frozenset[str]:
        """What is called; of a multicall the calls in it too."""
        if b"application/octet-stream" in self.head:
            return frozenset({UPLOAD})
        start = self.body[:HEAD_LIMIT]
        outer = _METHOD.search(start)
        if outer is None:
            return frozenset()
        names = {outer[1]}
        if outer[1] in (b"multiCall", b"system.multicall"):
            names |= set(_INNER.findall(self.body))
        return frozenset(name.decode() for name in names)


class ConnectionCut(Exception):
    """There is nothing more to be said on this connection."""


def receive(stream: BinaryIO, *, answer: bool) -> Message:
    """The next message; ConnectionCut at the end of the stream."""
    lines: list[bytes] = []
    length = -1 if answer else 0
    while (line := stream.readline(HEAD_LIMIT)) not in (b"\r\n", b""):
        lines.append(line)
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value)
    if not line:
        raise ConnectionCut
    body = stream.read(length)
    if 0 <= length != len(body):
        raise ConnectionCut
    return Message(head=b"".join([*lines, line]), body=body)


def plain(status: str, body: bytes, kind: str) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def truncated(answer: Message) -> bytes:
    """Whole for HTTP, and half of an XML document."""
    return plain("200 OK", answer.body[: len(answer.body) // 2], "text/xml")


@dataclass(kw_only=True)
class Proxy:
    """The listener, the connections through it, and the faults in force."""

    upstream: tuple[str, int]
    faults: dict[int, Fault] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    connections: set[socket.socket] = field(default_factory=set)
    listener: socket.socket | None = None
    port: int = 0
    numbers: int = 0

    def __post_init__(self) -> None:
        # Holds the port while nobody listens on it, so that a connection is refused and nobody else gets it.
        self.reservation = self._bound(0)
        self.port = self.reservation.getsockname()[1]
        self._listen()

    def _bound(self, port: int) -> socket.socket:
        bound = socket.socket()
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((LOOPBACK, port))
        return bound

    def _listen(self) -> None:
        listener = self._bound(self.port)
        listener.listen(128)
        self.listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection = listener.accept()[0]
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    # Told from outside

    def begin(self, fault: Fault) -> int:
        with self.lock:
            self.numbers += 1
            self.faults[self.numbers] = fault
            number = self.numbers
        if fault.kind == "down":
            self._close()
        return number

    def end(self, number: int) -> int:
        """How often it was done."""
        with self.lock:
            fault = self.faults.pop(number)
            closed = any(other.kind == "down" for other in self.faults.values())
        if fault.kind == "down" and not closed:
            self._listen()
        return fault.done

    def _close(self) -> None:
        with self.lock:
            listener, self.listener = self.listener, None
            cut = list(self.connections)
        if listener is not None:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for connection in cut:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    # Requests

    def _serve(self, client: socket.socket) -> None:
        with self.lock:
            self.connections.add(client)
            refused = self.listener is None
        try:
            with client, client.makefile("rb") as stream, suppress(ConnectionCut, OSError):
                client.settimeout(PATIENCE)
                while not refused:
                    client.sendall(self._answer(receive(stream, answer=False)))
        finally:
            with self.lock:
                self.connections.discard(client)

    def _answer(self, request: Message) -> bytes:
        for fault in self._met(request.methods):
            match fault.kind:
                case "delay":
                    time.sleep(fault.seconds)
                case "status":
                    return plain(f"{fault.code} Fault", b"Something is wrong here.\n", "text/plain")
                case "garbage":
                    return plain("200 OK", PAGE, "text/html")
                case "offline":
                    return plain("200 OK", OFFLINE, "text/xml")
                case "truncate":
                    return truncated(self._forward(request))
                case "drop_answer":
                    self._forward(request)
                    raise ConnectionCut
                case unknown:
                    raise ValueError(f"there is no fault {unknown}")
        return self._forward(request).raw

    def _met(self, methods: frozenset[str]) -> list[Fault]:
        with self.lock:
            return [fault for fault in self.faults.values() if fault.kind != "down" and fault.meets(methods)]

    def _forward(self, request: Message) -> Message:
        with socket.create_connection(self.upstream, timeout=PATIENCE) as hub, hub.makefile("rb") as stream:
            hub.sendall(request.raw)
            return receive(stream, answer=True)


def obey(proxy: Proxy, order: dict[str, Any]) -> Any:
    if "begin" in order:
        given = order["begin"]
        return proxy.begin(Fault(**{**given, "methods": frozenset(given.get("methods", ()))}))
    if "end" in order:
        return proxy.end(order["end"])
    return proxy.faults[order["done"]].done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("upstream", metavar="ADDRESS:PORT", help="where the hub listens")
    host, _, port = parser.parse_args().upstream.partition(":")
    proxy = Proxy(upstream=(host, int(port)))
    sys.stdout.write(f"{proxy.port}\n")
    sys.stdout.flush()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(obey(proxy, json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
