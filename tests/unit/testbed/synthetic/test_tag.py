"""A build tag whose repos have a distribution's size, on the hub."""

from typing import Any

from koji_adjutant.testbed import content
from koji_adjutant.testbed.content import BUILD_TAG, TAG
from koji_adjutant.testbed.synthetic.tag import LARGE_TAG, LARGE_TARGET, add_large_tag
from tests.unit.testbed.filled_hub import CONTENT


def test_it_has_what_the_testbeds_own_build_tag_has(admin: Any) -> None:
    content.fill(admin, CONTENT)
    add_large_tag(admin)
    assert [link["name"] for link in admin.getInheritanceData(LARGE_TAG)] == [BUILD_TAG]
    assert admin.getTag(LARGE_TAG)["arches"] == CONTENT.arch
    assert {group["name"] for group in admin.getTagGroups(LARGE_TAG)} == set(CONTENT.groups)
    target = admin.getBuildTarget(LARGE_TARGET)
    assert (target["build_tag_name"], target["dest_tag_name"]) == (LARGE_TAG, TAG)


def test_made_once(admin: Any) -> None:
    content.fill(admin, CONTENT)
    add_large_tag(admin)
    before = admin.getLastEvent()
    add_large_tag(admin)
    assert admin.getLastEvent() == before
