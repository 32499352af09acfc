"""What can be called, and with which parameters."""

from __future__ import annotations

from typing import Any

import koji
import pytest

from koji_adjutant.testbed.hub.methods import EXPOSED
from koji_adjutant.testbed.hub.rpc.registry import exposed, invoke, signature_of


def test_parameters_are_those_that_a_client_sees() -> None:
    assert list(signature_of("getTaskInfo").parameters) == ["task_id", "request", "strict"]


def test_two_functions_of_one_name_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="getTaskInfo is exposed twice"):
        exposed("getTaskInfo")(lambda _call: None)


def test_a_call_by_name_and_keywords() -> None:
    seen: list[Any] = []

    def function(call: object, one: int, *, two: int = 2) -> tuple[int, int]:
        seen.append(call)
        return one, two

    exposed("testOnly")(function)
    try:
        assert invoke("the call", "testOnly", (1, {"two": 3, "__starstar": True})) == (1, 3)
        assert seen == ["the call"]
        with pytest.raises(koji.ParameterError, match="testOnly: missing a required argument"):
            invoke("the call", "testOnly", ())
    finally:
        del EXPOSED["testOnly"]
    with pytest.raises(koji.GenericError, match="Invalid method: testOnly"):
        invoke("the call", "testOnly", ())
