"""Calls whose answer was lost: made again, or looked up."""

from typing import Any

import koji
import pytest

from koji_adjutant.hub.outage import do_once, look_first, may_be_repeated


@pytest.mark.parametrize(
    ("name", "kwargs", "may"),
    [
        ("getTaskInfo", {}, True),
        ("host.getID", {}, True),
        ("repo.query", {}, True),
        ("host.updateHost", {}, True),
        ("rawUpload", {}, True),
        ("host.subtask", {"label": "x86_64"}, True),
        ("host.subtask", {}, False),
        ("host.newBuildRoot", {}, False),
        ("host.closeTask", {}, False),
        ("host.openTask", {}, False),
        ("host.moveBuildToScratch", {}, False),
    ],
)
def test_what_does_no_harm_the_second_time(name: str, kwargs: dict[str, str], may: bool) -> None:
    assert may_be_repeated(name, (), kwargs) is may


def test_of_many_calls_all_must_be_harmless() -> None:
    reading, making = {"methodName": "getHost"}, {"methodName": "host.newBuildRoot"}
    assert may_be_repeated("multiCall", ([reading, reading],), {})
    assert not may_be_repeated("multiCall", ([reading, making],), {})


def call(answers: list[Any]) -> Any:
    answer = answers.pop(0)
    if isinstance(answer, Exception):
        raise answer
    return answer


LOST = koji.RetryError("the answer was lost")


def test_an_answer_that_arrives_is_not_looked_up() -> None:
    assert look_first("it", lambda: call([7]), pytest.fail) == 7


def test_what_was_done_is_not_done_again() -> None:
    answers = [LOST]
    assert look_first("it", lambda: call(answers), lambda: 8) == 8
    assert answers == []


def test_what_was_not_done_is_done_in_the_end() -> None:
    answers: list[Any] = [LOST, LOST, 9]
    looks: list[int] = []
    assert look_first("it", lambda: call(answers), lambda: looks.append(1)) == 9
    assert len(looks) == 2


def test_another_fault_is_no_lost_answer() -> None:
    with pytest.raises(koji.GenericError, match="no such tag"):
        look_first("it", lambda: call([koji.GenericError("no such tag")]), pytest.fail)


@pytest.mark.parametrize(("is_done", "left"), [(True, [None]), (False, [])])
def test_once(is_done: bool, left: list[None]) -> None:
    answers: list[Any] = [LOST, None]
    do_once("it", lambda: call(answers), lambda: is_done)
    assert answers == left
