"""Things that have an id and a unique name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import koji
import pytest

from koji_adjutant.testbed.hub.rpc.lookups import key_of

if TYPE_CHECKING:
    from tests.unit.testbed.hub.served import Session


@pytest.mark.parametrize(
    ("info", "key"),
    [
        (7, ("id", 7)),
        ("seven", ("name", "seven")),
        ({"id": 7, "name": "another"}, ("id", 7)),
        ({"name": "seven"}, ("name", "seven")),
    ],
)
def test_where_to_look(info: Any, key: tuple[str, Any]) -> None:
    assert key_of(info) == key


@pytest.mark.parametrize("info", [None, 1.5, {}, {"other": 1}, {"id": None}, ["seven"]])
def test_what_names_nothing(info: Any) -> None:
    with pytest.raises(koji.ParameterError, match="Invalid name or id value"):
        key_of(info)


def test_a_package_by_either(admin: Session) -> None:
    number = admin.getPackage("hello", create=True)["id"]
    assert admin.getPackage(number) == admin.getPackage("hello") == {"id": number, "name": "hello"}
    assert admin.getPackage("none") is None
    with pytest.raises(koji.GenericError, match="No such entry in table package: none"):
        admin.getPackage("none", strict=True)
