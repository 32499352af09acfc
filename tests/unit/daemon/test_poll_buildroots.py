"""Buildroot records that nobody stands behind."""

from typing import Any

import koji
import pytest
from pytest_mock import MockerFixture

from koji_adjutant.daemon.poll import Answers, Poll, expire_buildroots


def seen(answer: Any) -> Poll:
    return Poll(answers=Answers(("listBuildroots",), [answer]))


def record(number: int, task: int | None) -> dict[str, Any]:
    return {"id": number, "task_id": task, "tag_name": "build"}


def test_those_of_running_tasks_stay(mocker: MockerFixture) -> None:
    session = mocker.Mock()
    records = [record(1, 10), record(2, 11), record(3, None)]
    expire_buildroots(session, seen([records]), {10: "runs"})
    expired = koji.BR_STATES["EXPIRED"]
    assert session.host.setBuildRootState.call_args_list == [mocker.call(2, expired), mocker.call(3, expired)]


def test_a_hub_that_does_not_tell(mocker: MockerFixture, caplog: pytest.LogCaptureFixture) -> None:
    session = mocker.Mock()
    fault = {"faultCode": koji.GenericError.faultCode, "faultString": "no"}
    expire_buildroots(session, seen(fault), {})
    session.host.setBuildRootState.assert_not_called()
    assert "Buildroot records of this host are unknown" in caplog.text
