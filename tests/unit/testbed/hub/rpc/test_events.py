"""Events: the moments at which configuration changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import koji
import pytest

if TYPE_CHECKING:
    from tests.unit.testbed.hub.served import Served, Session


def test_a_change_makes_one_and_reading_none(served: Served, admin: Session) -> None:
    admin.createTag("one")
    first = admin.getLastEvent()
    assert first["ts"] == served.clock.now
    admin.getTag("one")
    assert admin.getLastEvent() == first
    served.clock.now += 5
    admin.createTag("two")
    assert admin.getLastEvent() == {"id": first["id"] + 1, "ts": first["ts"] + 5}
    assert admin.getEvent(first["id"]) == first


def test_the_last_before_a_moment(served: Served, admin: Session) -> None:
    began = served.clock.now
    admin.createTag("one")
    first = admin.getLastEvent()
    served.clock.now += 10
    admin.createTag("two")
    assert admin.getLastEvent(before=began + 10) == first
    with pytest.raises(koji.GenericError, match="no rows"):
        admin.getLastEvent(before=1)
    assert admin.getLastEvent(before=1, strict=False) is None
    with pytest.raises(koji.GenericError, match="Invalid type for before"):
        admin.getLastEvent(before="yesterday")


def test_one_that_does_not_exist(admin: Session) -> None:
    with pytest.raises(koji.GenericError, match="no rows"):
        admin.getEvent(9999)
    assert admin.getEvent(9999, strict=False) is None
