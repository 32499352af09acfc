"""The names of events."""

from pathlib import Path

import pytest

from koji_adjutant.journal.phases import EventName, HostEvent, NullJournal, Phase
from koji_adjutant.journal.state import Obstacle

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "operating.md"
NAMES: tuple[EventName, ...] = (*Phase, *HostEvent)


def test_a_name_is_of_one_event() -> None:
    assert len({name.value for name in NAMES}) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_documentation_has_it(name: EventName) -> None:
    assert f"`{name.value}`" in DOCUMENT.read_text()


def test_the_documentation_has_all_obstacles() -> None:
    words = " ".join(one.value for one in Obstacle if one is not Obstacle.UNKNOWN)
    assert f"`{words}`" in DOCUMENT.read_text()


def test_a_detail_may_have_any_name() -> None:
    NullJournal().record(HostEvent.READY, name="x", self="y")
