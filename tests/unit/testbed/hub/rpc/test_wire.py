"""Values and bodies as they cross the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xmlrpc.client import dumps

import pytest

from tests.unit.testbed.hub.served import request

if TYPE_CHECKING:
    from tests.unit.testbed.hub.served import Served, Session


def test_numbers_nulls_and_times_survive_the_wire(served: Served, admin: Session) -> None:
    sent = [2**40, -(2**40), None, 1.5, "ü", {"a": [None]}, True]
    assert admin.echo(*sent) == sent
    info = admin.getTaskInfo(admin.makeTask("sleep", [0]))
    assert info["create_time"] == "2027-01-15 08:00:00+00:00"
    assert info["create_ts"] == served.clock.now


@pytest.mark.parametrize("body", [b"", b"nonsense", b"<methodResponse/>"])
def test_what_is_no_call_is_a_bad_request(served: Served, body: bytes) -> None:
    assert request(served.hub.url, "POST", "/kojihub", body, Content_Type="text/xml")[0] == 400


def test_a_request_over_four_mebibytes_is_refused(served: Served) -> None:
    body = dumps(("x" * 4 * 1024 * 1024,), "echo").encode()
    status, _, answer = request(served.hub.url, "POST", "/kojihub", body, Content_Type="text/xml")
    assert (status, answer) == (400, b"Invalid request: Request too long\n")
