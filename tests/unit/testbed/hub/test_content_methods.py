"""The hub's functions about packages."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from koji_adjutant.testbed.hub import content_methods
from koji_adjutant.testbed.hub.rpc.registry import EXPOSED

if TYPE_CHECKING:
    from types import ModuleType

HUB = Path(content_methods.__file__).parent
LISTED = {cast("ModuleType", module).__name__ for module in content_methods.MODULES}


@pytest.mark.parametrize("room", ["builds", "repos", "tags"])
def test_every_module_of_a_room_that_exposes_something_is_imported(room: str) -> None:
    exposing = {
        f"koji_adjutant.testbed.hub.{room}.{path.stem}"
        for path in (HUB / room).glob("*.py")
        if "@exposed(" in path.read_text()
    }
    missing = exposing - LISTED - {"koji_adjutant.testbed.hub.builds.uploads"}
    assert exposing
    assert not missing


def test_what_is_imported_exposes_something() -> None:
    assert {function.__module__ for function in EXPOSED.values()} >= LISTED
