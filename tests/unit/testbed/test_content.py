"""What the testbed's hub knows from the start."""

from dataclasses import replace
from typing import Any

from koji_adjutant.testbed.content import BUILD_TAG, EXTERNAL_REPO, HOST, TAG, TARGET, fill
from tests.unit.testbed.filled_hub import CONTENT


def test_a_new_hub_has_all_that_a_build_needs(admin: Any) -> None:
    fill(admin, CONTENT)
    assert admin.getBuildTarget(TARGET)["build_tag_name"] == BUILD_TAG
    assert admin.getTag(BUILD_TAG)["extra"] == {"mock.releasever": "1"}
    assert [link["name"] for link in admin.getInheritanceData(BUILD_TAG)] == [TAG]
    assert {package["package_name"] for package in admin.listPackages(TAG)} == {"hello", "long"}
    groups = {
        one["name"]: {row["package"] for row in one["packagelist"]} for one in admin.getTagGroups(BUILD_TAG)
    }
    assert groups == {"build": {"bash", "gcc"}, "srpm-build": {"bash"}}
    assert {channel["name"] for channel in admin.listChannels(HOST)} == {"default", "createrepo"}


def test_filled_again_only_what_differs_is_changed(admin: Any) -> None:
    fill(admin, CONTENT)
    before = admin.getLastEvent()["id"]
    fill(admin, CONTENT)
    assert admin.getLastEvent()["id"] == before
    fill(admin, replace(CONTENT, external_repo="http://127.0.0.1/two/", packages=("hello", "more")))
    assert admin.getExternalRepo(EXTERNAL_REPO)["url"] == "http://127.0.0.1/two/"
    assert len(admin.getTagExternalRepos(BUILD_TAG)) == 1
    assert {package["package_name"] for package in admin.listPackages(TAG)} == {"hello", "long", "more"}
