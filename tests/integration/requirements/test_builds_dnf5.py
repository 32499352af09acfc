"""Builds for a tag whose package manager is dnf 5, beside one of the same repo with dnf 4."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from koji_adjutant.testbed.content import BUILD_TAG, TAG
from tests.integration.packages import source_package
from tests.integration.running import Testbed

pytestmark = [pytest.mark.podman, pytest.mark.distribution("testing")]

MANAGERS = {"dnf4": "Solved by dnf 4.", "dnf5": "Solved by libdnf5 5."}
"""Each with what root.log says."""
HEAD = "BuildArch: noarch\nBuildRequires: flex\nBuildRequires: (bison if bash)\n"


@pytest.fixture
def targets(testbed: Testbed) -> Iterator[dict[str, str]]:
    """A target of each package manager."""
    admin = testbed.session
    names = {manager: f"dist-md-{manager}" for manager in MANAGERS}
    for manager, name in names.items():
        admin.createTag(name, parent=BUILD_TAG, arches=testbed.description.arch)
        admin.editTag2(name, extra={"mock.package_manager": manager})
        admin.createBuildTarget(name, name, TAG)
        testbed.regenerate(name)
    yield names
    for name in names.values():
        admin.deleteBuildTarget(name)
        admin.deleteTag(name)


def test_builds_have_the_packages_that_dnf4_chooses_of_a_plain_repo(
    testbed: Testbed, targets: dict[str, str], tmp_path: Path
) -> None:
    srpm = source_package(tmp_path, "wanting", head=HEAD, build="flex --version; bison --version")
    roots = {}
    for manager, target in targets.items():
        build = testbed.build(srpm, "--scratch", target=target)
        assert build.returncode == 0, build.output
        task = build.task("buildArch")
        assert MANAGERS[manager] in (testbed.output(task) / "root.log").read_text()
        (buildroot,) = testbed.session.listBuildroots(taskID=task.id)
        rows = testbed.session.listRPMs(componentBuildrootID=buildroot["id"])
        assert {"flex", "bison"} <= {row["name"] for row in rows if row["is_update"]}
        roots[manager] = {(row["nvr"], row["arch"], row["is_update"]) for row in rows}
    assert roots["dnf4"] == roots["dnf5"]
