"""Checks of what a client sent, with the faults that a real hub answers."""

from typing import Any

import koji
import pytest

from koji_adjutant.testbed.hub.rpc.values import (
    LONGEST_NAME,
    arch_list,
    as_int,
    as_int_or_none,
    require_name,
    require_type,
    sliced,
)


@pytest.mark.parametrize("value", ["x", None, [], {}])
def test_what_is_no_number(value: Any) -> None:
    with pytest.raises(koji.ParameterError, match="Invalid type"):
        as_int(value)


def test_numbers() -> None:
    assert (as_int("7"), as_int(7), as_int_or_none(None), as_int_or_none("8")) == (7, 7, None, 8)


def test_a_type_is_named_in_the_fault() -> None:
    require_type({}, dict)
    with pytest.raises(koji.ParameterError, match=r"value '5'.*expected type <class 'dict'>"):
        require_type(5, dict)


@pytest.mark.parametrize("name", ["a", "a-b_c.d+e/f", "x" * LONGEST_NAME])
def test_names_of_new_things(name: str) -> None:
    assert require_name(name) == name


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (5, "should be string"),
        ("x" * (LONGEST_NAME + 1), "too long"),
        ("a b", "RegexNameInternal"),
        ("a\n", "Regex"),
    ],
)
def test_names_that_are_refused(name: Any, said: str) -> None:
    with pytest.raises(koji.GenericError, match=said):
        require_name(name)


def test_architectures_stand_with_one_space_between() -> None:
    assert arch_list(" x86_64   i686 ") == "x86_64 i686"
    assert arch_list(None) == ""
    with pytest.raises(koji.GenericError):
        arch_list("x86_64;rm")


def test_a_part_of_a_row() -> None:
    assert sliced({"a": 1, "b": 2}, ("b", "c")) == {"b": 2}
