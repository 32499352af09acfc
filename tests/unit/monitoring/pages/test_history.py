"""Which tasks a page of the history shows."""

from collections.abc import Mapping

import pytest

from koji_adjutant.monitoring.pages.history import ROWS, Query, history
from koji_adjutant.monitoring.views import Outcome
from tests.fakes.views import NOW, a_task

TASKS = (
    a_task(1, ended=NOW - 7200, method="createrepo", label="dist-build, x86_64", package=""),
    a_task(2, ended=NOW - 60, package="zlib", label="zlib-1.3-1.src.rpm, x86_64"),
    a_task(3, ended=NOW - 30, outcome=Outcome.FAILED, error="build exited with status 1; see build.log"),
    a_task(4, ended=None, outcome=Outcome.RUNNING, owner="bob"),
)


def shown(**query: str) -> list[int]:
    return [task.id for task in history(TASKS, query, NOW).rows]


def test_all_of_them_the_newest_first() -> None:
    assert shown() == [4, 3, 2, 1]
    assert history(TASKS, {}, NOW).methods == ("buildArch", "createrepo")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"method": "createrepo"}, [1]),
        ({"outcome": "failed"}, [3]),
        ({"time": "hour"}, [4, 3, 2]),
        ({"text": "ZLIB"}, [2]),
        ({"text": " bob "}, [4]),
        ({"text": "see build.log"}, [3]),
        ({"text": "2"}, [2]),
        ({"method": "buildArch", "outcome": "closed"}, [2]),
        ({"method": "of nobody"}, []),
    ],
)
def test_what_is_asked_for(query: dict[str, str], found: list[int]) -> None:
    assert shown(**query) == found


@pytest.mark.parametrize(
    "query",
    [
        {"outcome": "<b>"},
        {"time": "year"},
        {"page": "-1"},
        {"page": "²"},
        {"page": "9" * 5000},
        {"other": "x"},
    ],
)
def test_what_makes_no_sense_is_not_asked_for(query: Mapping[str, str]) -> None:
    assert history(TASKS, query, NOW).query == Query()


def test_pages() -> None:
    many = tuple(a_task(number, ended=NOW - number) for number in range(1, ROWS + 31))
    first = history(many, {"method": "buildArch", "text": "a&b=c"}, NOW)
    assert first.rows == ()
    first, second = (history(many, {"page": page, "text": "hello"}, NOW) for page in "12")
    assert [task.id for task in second.rows] == list(range(ROWS + 1, ROWS + 31))
    assert (first.pages, first.newer, first.older) == (2, "", "/tasks?text=hello&page=2")
    assert (second.newer, second.older) == ("/tasks?text=hello&page=1", "")
    assert history(many, {"page": "7"}, NOW).rows == ()


def test_a_query_is_written_into_an_address() -> None:
    assert Query.read({"text": 'a&b="c'}).address(2) == "/tasks?text=a%26b%3D%22c&page=2"
