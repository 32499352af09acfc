"""Requests as bytes, for what koji.ClientSession never does: another address, no session, half an upload.

A connection lives for one call; `HalfUpload` lives for its `with` block and may be finished in it.
"""

from __future__ import annotations

import contextlib
import http.client
import urllib.parse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from xmlrpc.client import Fault, dumps, loads

if TYPE_CHECKING:
    from tests.contract.hub_fixtures import HubUnderTest, Session


def session_headers(session: Session) -> dict[str, str]:
    """The session's headers with its next call number."""
    number = session.callnum
    session.callnum += 1
    return {
        "Koji-Session-Id": str(session.sinfo["session-id"]),
        "Koji-Session-Key": session.sinfo["session-key"],
        "Koji-Session-Callnum": str(number),
    }


def raw_call(hub: HubUnderTest, session: Session, method: str, *args: Any, source: str | None = None) -> Any:
    """One call with the session's headers; a fault is returned, not raised."""
    body = dumps(args, method, allow_none=True).encode()
    headers = session_headers(session) | {"Content-Type": "text/xml"}
    with contextlib.closing(_connection(hub, source)) as connection:
        connection.request("POST", urllib.parse.urlsplit(hub.url).path, body, headers)
        return _answer(connection.getresponse())


def anonymous_upload(hub: HubUnderTest, path: str, name: str, data: bytes) -> Any:
    with contextlib.closing(_connection(hub)) as connection:
        connection.request(
            "POST", _upload_target(hub, path, name), data, {"Content-Type": "application/octet-stream"}
        )
        return _answer(connection.getresponse())


def fetch(hub: HubUnderTest, path: str, **headers: str) -> tuple[int, bytes]:
    """Status and body of a GET below /kojifiles."""
    with contextlib.closing(_connection(hub)) as connection:
        connection.request("GET", f"/kojifiles/{path}", headers=headers)
        response = connection.getresponse()
        return response.status, response.read()


@dataclass(kw_only=True)
class HalfUpload:
    """An upload whose client has sent the first half and keeps the connection open."""

    hub: HubUnderTest
    session: Session
    path: str
    name: str
    data: bytes = b"0123456789"

    def __enter__(self) -> Self:
        self._connection = _connection(self.hub)
        self._half = len(self.data) // 2
        self._connection.putrequest("POST", _upload_target(self.hub, self.path, self.name))
        headers = session_headers(self.session) | {"Content-Type": "application/octet-stream"}
        for header, value in {**headers, "Content-Length": str(len(self.data))}.items():
            self._connection.putheader(header, value)
        self._connection.endheaders(self.data[: self._half])
        return self

    def finish(self) -> Any:
        self._connection.send(self.data[self._half :])
        return _answer(self._connection.getresponse())

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def _connection(hub: HubUnderTest, source: str | None = None) -> http.client.HTTPConnection:
    target = urllib.parse.urlsplit(hub.url)
    return http.client.HTTPConnection(
        target.hostname or "", target.port, timeout=30, source_address=(source, 0) if source else None
    )


def _upload_target(hub: HubUnderTest, path: str, name: str) -> str:
    query = {"filepath": path, "filename": name, "fileverify": "adler32", "offset": "0", "overwrite": "1"}
    return f"{urllib.parse.urlsplit(hub.url).path}?{urllib.parse.urlencode(query)}"


def _answer(response: http.client.HTTPResponse) -> Any:
    try:
        return loads(response.read())[0][0]
    except Fault as fault:
        return fault
