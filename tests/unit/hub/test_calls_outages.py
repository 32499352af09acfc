"""Calls through a hub that is away, and answers that are lost."""

import zlib
from typing import Any
from xmlrpc.client import dumps

import koji
import pytest

from koji_adjutant.hub.outage import NoAnswer
from tests.unit.hub.conftest import (
    DATABASE,
    EMPTY,
    HALF,
    NO_VALUE,
    ODD,
    OUTAGES,
    PAGE,
    WHOLE_PAGE,
    Host,
    Weather,
    dropped,
    refused,
)


@pytest.mark.parametrize("outage", OUTAGES)
def test_a_call_that_changes_nothing_outlasts_all(host: Host, weather: Weather, outage: Any) -> None:
    weather.coming = [outage] * 5
    assert host.session.echo("through") == ["through"]
    assert weather.count > 5


@pytest.mark.parametrize("outage", OUTAGES)
def test_a_result_is_delivered_once(host: Host, weather: Weather, outage: Any) -> None:
    weather.coming = [outage] * 3
    response = dumps((None,), methodresponse=True, allow_none=True)
    try:
        host.session.host.closeTask(host.task, response)
    except koji.RetryError:
        assert outage is dropped
    weather.coming.clear()
    assert host.state() == "CLOSED"


@pytest.mark.parametrize("outage", OUTAGES)
def test_an_upload_outlasts_all(host: Host, weather: Weather, outage: Any) -> None:
    weather.coming = [outage] * 3
    host.upload()
    found = host.hub.admin.checkUpload(koji.pathinfo.taskrelpath(host.task), "build.log", verify="adler32")
    assert (int(found["size"]), found["hexdigest"]) == (5, f"{zlib.adler32(b'hello'):08x}")


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("host.setTaskWeight", (2.0,)),
        ("host.taskSetWait", (None,)),
        ("host.taskWait", ()),
        ("host.taskWaitResults", ([],)),
    ],
)
def test_a_lost_answer_is_asked_for_again(
    host: Host, weather: Weather, method: str, arguments: tuple[Any, ...]
) -> None:
    weather.coming = [dropped, dropped]
    host.session.callMethod(method, host.task, *arguments)


def test_a_task_that_was_opened_is_open(host: Host, weather: Weather) -> None:
    task = host.hub.admin.makeTask("sleep", [1])
    weather.coming = [dropped]
    opened: Any = host.main.host.openTask(task)
    assert (opened["id"], opened["host_id"]) == (task, host.main.host.getID())
    weather.coming = [dropped]
    assert host.main.host.openTask(task) is None


def test_of_one_label_there_is_one_subtask(host: Host, weather: Weather) -> None:
    weather.coming = [dropped]
    made = host.session.host.subtask(method="sleep", arglist=[1], label="one", parent=host.task)
    assert [task["id"] for task in host.hub.admin.getTaskChildren(host.task)] == [made]


@pytest.mark.parametrize("outage", [dropped, refused])
def test_a_call_that_the_hub_does_not_count_is_made_once(host: Host, weather: Weather, outage: Any) -> None:
    weather.coming = [outage]
    with pytest.raises(koji.GenericError, match=r"answer was lost|No such file") as caught:
        host.session.host.moveBuildToScratch(host.task, "missing", [])
    assert isinstance(caught.value, koji.RetryError) is (outage is dropped)
    assert weather.count == (1 if outage is dropped else 2)


def test_what_only_reads_in_one_request_is_repeated(host: Host, weather: Weather) -> None:
    weather.coming = [dropped]
    calls: Any
    with host.session.multicall(strict=True) as calls:
        answers = [calls.getTaskInfo(host.task), calls.echo("x")]
    assert answers[0].result["id"] == host.task
    weather.coming = [dropped]
    with pytest.raises(koji.RetryError), host.session.multicall(strict=True) as calls:
        calls.host.freeTasks([])


def test_one_attempt_gets_an_outage_for_every_kind_of_garbage(host: Host, weather: Weather) -> None:
    for outage in (PAGE, WHOLE_PAGE, HALF, EMPTY, NO_VALUE, ODD, DATABASE):
        weather.coming = [outage]
        with pytest.raises(NoAnswer):
            host.main.call_once("echo", "x")
    assert host.main.call_once("echo", "x") == ["x"]
