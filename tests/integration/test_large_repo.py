"""A repo whose metadata has made-up packages around the distribution's: builds are what they are without."""

from pathlib import Path

import pytest

from koji_adjutant.testbed.synthetic.repository import SyntheticRepo
from koji_adjutant.testbed.synthetic.tag import LARGE_TAG, LARGE_TARGET, add_large_tag, new_large_repo
from tests.integration.running import Testbed

pytestmark = pytest.mark.podman

WANTED = SyntheticRepo(packages=2000)


def test_a_build_in_a_large_repo(testbed: Testbed, tmp_path: Path) -> None:
    add_large_tag(testbed.session)
    repo = new_large_repo(testbed.session, testbed.topdir, tmp_path, WANTED)
    build = testbed.build(testbed.srpm("hello"), "--scratch", target=LARGE_TARGET)
    assert build.returncode == 0, build.output
    (buildroot,) = testbed.session.listBuildroots(taskID=build.task("buildArch").id)
    assert (buildroot["repo_id"], buildroot["tag_name"]) == (repo, LARGE_TAG)
    rows = testbed.session.listRPMs(componentBuildrootID=buildroot["id"])
    assert "gcc" in {row["name"] for row in rows}
    assert not [row["name"] for row in rows if row["release"].endswith(".sy1")]
