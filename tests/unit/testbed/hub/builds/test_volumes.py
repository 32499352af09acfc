"""Volumes of a hub."""

from __future__ import annotations

from typing import TYPE_CHECKING

import koji
import pytest

if TYPE_CHECKING:
    from tests.unit.testbed.hub.content_hub import Caller, ContentHub


def test_a_volume_is_a_directory_first(hub: ContentHub, admin: Caller) -> None:
    assert hub.anonymous.listVolumes() == [{"id": 0, "name": "DEFAULT"}]
    with pytest.raises(koji.GenericError, match="create the volume directory first"):
        admin.addVolume("archive")
    (hub.topdir / "vol" / "archive").mkdir(parents=True)
    assert admin.addVolume("archive") == {"id": 1, "name": "archive"}
    with pytest.raises(koji.GenericError, match="volume archive already exists"):
        admin.addVolume("archive")
    assert admin.addVolume("archive", strict=False)["id"] == 1
    assert [one["name"] for one in admin.listVolumes()] == ["DEFAULT", "archive"]


def test_who_may_add_one(hub: ContentHub) -> None:
    (hub.topdir / "vol" / "archive").mkdir(parents=True)
    with pytest.raises(koji.ActionNotAllowed):
        hub.user("somebody").addVolume("archive")
