"""The names that counts of requests may have."""

from koji_adjutant.journal.file import ITEMS_LIMIT
from koji_adjutant.journal.requests import ENGINE_CALLS, HUB_METHODS


def test_an_event_has_room_for_all_of_them() -> None:
    assert len(HUB_METHODS) < ITEMS_LIMIT
    assert len(ENGINE_CALLS) < ITEMS_LIMIT
