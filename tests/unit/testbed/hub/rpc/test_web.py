"""What goes over HTTP besides calls: addresses, methods, connections."""

from __future__ import annotations

import http.client
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from xmlrpc.client import Fault, loads

import pytest

from tests.unit.testbed.hub.served import fetch, request

if TYPE_CHECKING:
    from tests.unit.testbed.hub.served import Served, Session


def test_the_hub_wants_posts(served: Served) -> None:
    status, headers, _ = fetch(served, "/kojihub")
    assert (status, headers["Allow"]) == (405, "POST")
    assert fetch(served, "/elsewhere")[0] == 404
    assert request(served.hub.url, "POST", "/elsewhere", b"x")[0] == 404


def test_a_connection_survives_a_refused_upload(served: Served, admin: Session) -> None:
    target = urlsplit(served.hub.url)
    query = "/kojihub?filename=.x&filepath=a&fileverify=adler32&offset=0"
    headers = {
        "Koji-Session-Id": str(admin.sinfo["session-id"]),
        "Koji-Session-Key": admin.sinfo["session-key"],
        "Content-Type": "application/octet-stream",
    }
    with closing(http.client.HTTPConnection(target.hostname or "", target.port, timeout=20)) as connection:
        for _ in range(2):
            connection.request("POST", query, b"y" * 300_000, headers)
            with pytest.raises(Fault, match="Invalid upload filename"):
                loads(connection.getresponse().read())
