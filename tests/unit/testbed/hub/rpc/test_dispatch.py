"""Calls: which fault a client gets, and what is done for one at a time."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any
from xmlrpc.client import Fault, dumps, loads

import koji
import pytest

from tests.unit.testbed.hub.served import request

if TYPE_CHECKING:
    from tests.unit.testbed.hub.served import Served, Session


@pytest.mark.parametrize(
    ("call", "args", "kind"),
    [
        ("error", (), koji.GenericError),
        ("noSuchMethod", (), koji.GenericError),
        ("getTag", (), koji.ParameterError),
        ("getTag", (1, 2, 3, 4, 5), koji.ParameterError),
        ("getTag", ("x", {"nonsense": 1, "__starstar": True}), koji.ParameterError),
        ("makeTask", ("sleep", []), koji.ActionNotAllowed),
    ],
)
def test_faults_have_kojis_codes(
    served: Served, call: str, args: tuple[Any, ...], kind: type[Exception]
) -> None:
    with pytest.raises(koji.GenericError) as caught:
        served.client().callMethod(call, *args)
    assert type(caught.value) is kind


def test_an_error_that_is_not_kojis_has_code_1(served: Served) -> None:
    with pytest.raises(Fault) as caught:
        served.client().fault()
    assert caught.value.faultCode == 1
    assert "test exception" in caught.value.faultString


def test_a_mistake_in_a_hub_function_is_not_taken_for_wrong_parameters(
    served: Served, admin: Session
) -> None:
    with pytest.raises(Fault) as caught:
        admin.makeTask("sleep", 5)
    assert caught.value.faultCode == 1


def test_sessions_in_the_query_string_are_still_known(served: Served, admin: Session) -> None:
    info = admin.sinfo
    query = f"/kojihub?session-id={info['session-id']}&session-key={info['session-key']}&callnum=900"
    body = dumps((), "getLoggedInUser").encode()
    answer: Any = loads(request(served.hub.url, "POST", query, body, Content_Type="text/xml")[2])[0][0]
    assert answer["name"] == "admin"


def test_a_client_that_is_collected_in_the_middle_of_a_call(served: Served, admin: Session) -> None:
    garbage: Any = koji.ClientSession(served.hub.url, {"user": "admin", "password": "admin"})
    garbage.login()
    served._undo.callback(garbage.rsession.close)
    number = garbage.sinfo["session-id"]
    garbage.itself = garbage
    del garbage
    with served.hub.control._dispatcher.transaction() as db:
        assert not gc.isenabled()
        assert db.value("SELECT closed FROM sessions WHERE id = ?", (number,)) is False
    assert gc.isenabled()
    gc.collect()
    assert served.hub.control.rows("SELECT closed FROM sessions WHERE id = ?", (number,)) == [
        {"closed": True}
    ]
