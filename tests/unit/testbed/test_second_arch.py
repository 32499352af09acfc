"""A tag for two architectures, on the hub; the distributions that are put into it are not made here."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pytest_mock import MockerFixture

from koji_adjutant.testbed import content, second_arch
from koji_adjutant.testbed.content import HOST
from koji_adjutant.testbed.second_arch import ARCHES, MULTI_BUILD_TAG, MULTI_REPO, MULTI_TARGET, fill
from tests.unit.testbed.filled_hub import CONTENT


def test_both_architectures_are_published_and_built_for(
    admin: Any, tmp_path: Path, mocker: MockerFixture
) -> None:
    made = [SimpleNamespace(repo=tmp_path / name) for name in ("first", "second")]
    for one in made:
        one.repo.mkdir()
    make = mocker.patch.object(second_arch, "make", side_effect=[*made, *made])
    content.fill(admin, CONTENT)
    for _ in range(2):
        fill(admin, tmp_path, tmp_path / "topdir", "http://h/files", lambda _: None)
    assert make.call_args_list[1].args[3] is made[0], "the second has what the first lacks"
    assert admin.getTag(MULTI_BUILD_TAG)["arches"] == ARCHES
    assert admin.getBuildTarget(MULTI_TARGET)["build_tag_name"] == MULTI_BUILD_TAG
    (repo,) = admin.getTagExternalRepos(MULTI_BUILD_TAG)
    assert (repo["external_repo_name"], repo["url"]) == (
        MULTI_REPO,
        f"http://h/files/external/{MULTI_REPO}/$arch/",
    )
    assert admin.getHost(HOST)["arches"] == "x86_64 i386"
    published = tmp_path / "topdir" / "external" / MULTI_REPO
    assert {path.name: path.resolve() for path in published.iterdir()} == {
        "x86_64": made[0].repo,
        "i386": made[1].repo,
    }
