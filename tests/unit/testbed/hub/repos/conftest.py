"""The tag `dist`, of two architectures by its name, of one by its id."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.testbed.hub.content_hub import ContentHub


@pytest.fixture
def tag(hub: ContentHub) -> str:
    hub.tag("dist", arches="x86_64 i686")
    return "dist"


@pytest.fixture
def tag_id(hub: ContentHub) -> int:
    return hub.tag("dist")
