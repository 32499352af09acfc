"""The configuration of a build tag, with what it inherits."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.unit.testbed.hub.content_hub import Caller, ContentHub


KEYS = {"arches", "id", "locked", "maven_include_all", "maven_support", "name", "perm", "perm_id", "extra"}


def test_build_config_inherits_arches_and_extra_data(hub: ContentHub, admin: Caller) -> None:
    base = hub.tag("base", arches="x86_64", extra={"from_base": 1, "both": "base", "blocked": 1})
    hub.tag("dist", parent="base", extra={"both": "dist"})
    admin.editTag2("dist", block_extra=["blocked"], arches=None)
    config = admin.getBuildConfig("dist")
    assert set(config) == KEYS | {"config_inheritance"}
    assert config["arches"] == "x86_64"
    assert config["extra"] == {"from_base": 1, "both": "dist"}
    origin = {"id": base, "name": "base"}
    assert config["config_inheritance"] == {"arches": origin, "extra": {"from_base": origin}}


def test_build_config_does_not_follow_noconfig_links(hub: ContentHub, admin: Caller) -> None:
    base = hub.tag("base", extra={"key": 1})
    hub.tag("dist")
    link = {"parent_id": base, "priority": 1, "maxdepth": None, "intransitive": False, "pkg_filter": ""}
    admin.setInheritanceData("dist", [{**link, "noconfig": True}])
    assert admin.getBuildConfig("dist")["extra"] == {}
