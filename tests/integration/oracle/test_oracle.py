"""Buildroots are what dnf, rpm and mock's configuration make of a tag: compared for settings drawn by lot.

`--oracle-seeds` draws more of them.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import koji
import pytest

from koji_adjutant.testbed.content import BUILD_TAG, EXTERNAL_REPO, TAG
from koji_adjutant.testbed.second_arch import MULTI_REPO, add_i686
from tests.integration.oracle import expected
from tests.integration.oracle.probe import probe_package, seen_environment, seen_macros
from tests.integration.oracle.settings import FORCED, OVERRIDDEN, TagSettings, draw
from tests.integration.running import Testbed

pytestmark = pytest.mark.podman

MACROS = (*OVERRIDDEN, *FORCED, "_rpmfilename", "_buildhost", "_target_cpu", "_arch", "_libdir", "optflags")
PACKAGES_WITH_MACROS = ("rpm-4", "rpm-common-4", "minidistro-rpm-config-", "minidistro-filesystem-")
# What a shell and a program that it starts have of their own.
OF_THE_SHELL = {"PWD", "OLDPWD", "SHLVL", "_"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "drawn" in metafunc.fixturenames:
        count = metafunc.config.getoption("--oracle-seeds")
        metafunc.parametrize("drawn", [draw(seed) for seed in range(1, count + 1)], ids=lambda one: one.seed)


@pytest.fixture
def tag(testbed: Testbed, drawn: TagSettings) -> Iterator[TagSettings]:
    """A build tag and target of these settings, with their repo."""
    admin = testbed.session
    if drawn.arch == "i686":
        add_i686(testbed.layout, print)
    admin.createTag(drawn.tag, parent=TAG, arches=drawn.arch)
    admin.editTag2(drawn.tag, extra={**drawn.extra, "rebuild_srpm": False})
    repo = MULTI_REPO if drawn.arch == "i686" else EXTERNAL_REPO
    admin.addExternalRepoToTag(drawn.tag, repo, 5)
    admin.groupListAdd(drawn.tag, "build")
    (group,) = [group for group in admin.getTagGroups(BUILD_TAG) if group["name"] == "build"]
    for package in group["packagelist"]:
        admin.groupPackageListAdd(drawn.tag, "build", package["package"])
    for name, kind in drawn.group.items():
        admin.groupPackageListAdd(drawn.tag, "build", name, type=kind)
    admin.createBuildTarget(drawn.tag, drawn.tag, TAG)
    testbed.regenerate(drawn.tag)
    yield drawn
    admin.deleteBuildTarget(drawn.tag)
    admin.deleteTag(drawn.tag)


def test_a_build_is_what_dnf_and_rpm_say(testbed: Testbed, tag: TagSettings, tmp_path: Path) -> None:
    names = [*MACROS, *tag.macros]
    build = testbed.build(probe_package(tmp_path, names), "--scratch", target=tag.tag)
    assert build.returncode == 0, build.output
    task = build.task("buildArch")
    repo = testbed.session.getRepo(tag.tag)["id"]
    arch = koji.canonArch(tag.arch)
    url = f"{testbed.description.topurl}/repos/{tag.tag}/{repo}/{arch}"
    assert listed(testbed, task.id) == expected.packages(tag, url, tmp_path)

    (package,) = (testbed.topdir / "scratch").rglob(f"task_{build.task('build').id}/probe-1-1.{tag.arch}.rpm")
    (tmp_path / "seen").mkdir()
    seen = expected.unpacked([package], tmp_path / "seen")
    root = rpm_configuration(testbed, tag, tmp_path)
    assert seen_macros(seen) == expected.macros(tag, root, names, tmp_path)
    ours, theirs = seen_environment(seen), expected.environment(tag, root)
    assert without_shell(ours) == without_shell(theirs)


def listed(testbed: Testbed, task: int) -> set[str]:
    """What the hub was told of the buildroot."""
    (buildroot,) = testbed.session.listBuildroots(taskID=task)
    rows = testbed.session.listRPMs(componentBuildrootID=buildroot["id"])
    keys = ("name", "epoch", "version", "release", "arch")
    return {" ".join("(none)" if row[key] is None else str(row[key]) for key in keys) for row in rows}


def rpm_configuration(testbed: Testbed, tag: TagSettings, directory: Path) -> Path:
    """What rpm and the distribution configure, unpacked from their packages."""
    published = "external/minidist-arches/i386" if tag.arch == "i686" else "external/minidist"
    packages = testbed.topdir / published / "Packages"
    files = [path for start in PACKAGES_WITH_MACROS for path in packages.glob(f"{start}*.rpm")]
    assert len(files) == len(PACKAGES_WITH_MACROS)
    (directory / "configuration").mkdir()
    return expected.unpacked(files, directory / "configuration")


def without_shell(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name not in OF_THE_SHELL}
