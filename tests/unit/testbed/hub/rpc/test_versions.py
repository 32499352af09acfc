"""The version that the hub says it is of."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xmlrpc.client import dumps, loads

from tests.unit.testbed.hub.served import request

if TYPE_CHECKING:
    from tests.unit.testbed.hub.served import Served


def test_every_answer_names_the_hubs_version(served: Served) -> None:
    body = dumps((), "hello").encode()
    _, headers, answer = request(served.hub.url, "POST", "/kojihub", body, Content_Type="text/xml")
    assert headers["Koji-Version"] == served.client().getKojiVersion()
    assert loads(answer)[0] == ("Hello World",)
