"""Rows that a client selects from with its own clauses."""

from typing import Any

import koji
import pytest

from koji_adjutant.testbed.hub.rpc.views import View

VIEW = View(
    rows=[
        {"id": 1, "size": None, "opts": {"a": 1}, "tag_name": "one"},
        {"id": 2, "size": 5, "opts": {"a": 1, "b": 2}, "tag_name": "two"},
        {"id": 3, "size": 9, "opts": {}, "tag_name": "two"},
    ],
    usual=("id",),
    foreign=("tag_name",),
)


@pytest.mark.parametrize(
    ("clauses", "expected"),
    [
        (None, [1, 2, 3]),
        ([["id", 2]], [2]),
        ([["id", [1, 3]]], [1, 3]),
        ([["size", ">", 4]], [2, 3]),
        ([["size", "<=", 5]], [2]),
        ([["size", "is", None]], [1]),
        ([["size", "IS NOT", None], ["tag_name", "two"]], [2, 3]),
        ([["opts", "@>", {"a": 1}]], [1, 2]),
        ([["opts", "<@", {"a": 1}]], [1, 3]),
        ([["id", "!=", 2]], [1, 3]),
    ],
)
def test_clauses(clauses: Any, expected: list[int]) -> None:
    assert [row["id"] for row in VIEW.select(clauses, None, None)] == expected


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        (None, ["id"]),
        ("size", ["size"]),
        (["size", "id"], ["size", "id"]),
        (["*"], ["id", "size", "opts"]),
        ("**", ["id", "size", "opts", "tag_name"]),
    ],
)
def test_fields(fields: Any, names: list[str]) -> None:
    assert list(VIEW.select([["id", 1]], fields, None)[0]) == names


@pytest.mark.parametrize("clause", [["id"], ["id", "~", 1], ["id", "=", 1, 1], ["colour", 1]])
def test_clauses_that_make_no_sense(clause: Any) -> None:
    with pytest.raises(koji.ParameterError, match="Invalid"):
        VIEW.select([clause], None, None)


def test_a_field_that_there_is_not() -> None:
    with pytest.raises(koji.ParameterError, match="Invalid field for query colour"):
        VIEW.select(None, ["colour"], None)


def test_a_count() -> None:
    assert VIEW.select([["size", ">", 1]], None, {"countOnly": True}) == 2
