"""Builds of other kinds, of which this hub has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import koji
import pytest

if TYPE_CHECKING:
    from tests.unit.testbed.hub.content_hub import Caller, ContentHub
    from tests.unit.testbed.hub.rpm_packages import Built


@pytest.fixture
def build_id(hub: ContentHub, hello: Built) -> int:
    return hub.complete_build(hello)


def test_no_archives(admin: Caller, build_id: int) -> None:
    assert admin.listArchives(buildID=build_id, type="maven") == []
    assert admin.getMavenBuild(build_id) is None
    assert admin.getWinBuild(build_id) is None
    assert admin.getBuildType(build_id) == {"rpm": None}
    assert admin.getBuildType("nothing-1-1") is None
    assert (admin.mavenEnabled(), admin.winEnabled()) == (False, False)
    with pytest.raises(koji.GenericError):
        admin.getMavenBuild(build_id, strict=True)
