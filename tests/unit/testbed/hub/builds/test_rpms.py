"""Rpms that clients look up, and the kinds of thing that this hub has none of."""

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


def test_a_rpm_is_found_by_id_name_and_dict(admin: Caller, build_id: int) -> None:
    rpm = admin.getRPM("hello-1.0-1.noarch")
    assert rpm["build_id"] == build_id
    assert "nvr" not in rpm
    assert admin.getRPM(rpm["id"]) == admin.getRPM(str(rpm["id"])) == rpm
    key = {"name": "hello", "version": "1.0", "release": "1", "arch": "noarch"}
    assert admin.getRPM(key) == rpm
    assert admin.getRPM(key, multi=True) == [rpm]
    assert admin.getRPM("hello-1.0-1.x86_64") is None
    with pytest.raises(koji.GenericError, match="No such rpm"):
        admin.getRPM("hello-1.0-1.x86_64", strict=True)
    with pytest.raises(koji.GenericError, match="Invalid type"):
        admin.getRPM([1])


def test_rpms_of_a_build(admin: Caller, build_id: int) -> None:
    assert [rpm["arch"] for rpm in admin.listRPMs(buildID=build_id)] == ["src", "noarch"]
    assert [rpm["nvr"] for rpm in admin.listRPMs(buildID=build_id, arches=["noarch"])] == ["hello-1.0-1"]
    assert admin.listRPMs(buildID=build_id, arches="x86_64") == []
    assert admin.listBuildRPMs("hello-1.0-1") == admin.listRPMs(buildID=build_id)
    assert admin.listRPMs(buildID=build_id + 1) == admin.listRPMs(imageID=1) == []
    assert admin.listRPMs(buildID=build_id, queryOpts={"order": "arch", "limit": 1})[0]["arch"] == "noarch"
    with pytest.raises(koji.GenericError, match="arches"):
        admin.listRPMs(buildID=build_id, arches={"x86_64": 1})
