"""A target with the packages that ours require, the RPMs that it has built of this tree, and a root for them."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from koji_adjutant.testbed.additions.repository import interpreter_of, make_additions, pack_trees
from koji_adjutant.testbed.content import EXTERNAL_REPO, TAG, add_external_repo, add_groups
from koji_adjutant.testbed.description import cache_directory
from koji_adjutant.testbed.distribution.distribution import Distribution, make
from koji_adjutant.testbed.distribution.recipe import read_groups, read_recipe
from koji_adjutant.testbed.distribution.wheels import unpack_wheel
from koji_adjutant.testbed.packages_source import INSTALL_GROUPS, distribution_directory, publish
from koji_adjutant.testbed.tasks import new_repo
from release.srpm import make_srpm
from tests.integration.packages import repository
from tests.integration.restart.installations import RELEASED, commit_wheel
from tests.integration.rpms.root import Root
from tests.integration.running import Testbed

ROOT = Path(__file__).resolve().parents[3]
TARGET = BUILD_TAG = f"{TAG}-packages"
ADDITIONS = "additions"
TO_LOOK = ("coreutils", "findutils", "rpm", "util-linux")
"""Programs that tests use in the root."""
LATER = 20
"""Priority of an external repo that comes after the distribution."""


@pytest.fixture(scope="package")
def distribution() -> Distribution:
    """The testbeds' own."""
    return make(distribution_directory(cache_directory(os.environ, Path.home())), print)


@pytest.fixture(scope="package")
def repos(distribution: Distribution) -> dict[str, Path]:
    """The distribution, and what a build host with koji-adjutant wants besides."""
    directory = cache_directory(os.environ, Path.home()) / ADDITIONS
    return {EXTERNAL_REPO: distribution.repo, ADDITIONS: make_additions(distribution, directory, print)}


@pytest.fixture(scope="package")
def target(testbed: Testbed, repos: dict[str, Path]) -> str:
    """Builds with both repositories."""
    admin = testbed.session
    url = publish(repos[ADDITIONS], testbed.topdir, testbed.description.topurl, f"external/{ADDITIONS}")
    admin.createTag(BUILD_TAG, parent=TAG, arches=testbed.description.arch)
    groups = read_groups()
    add_groups(admin, BUILD_TAG, {name: groups[name] for name in INSTALL_GROUPS})
    add_external_repo(admin, BUILD_TAG, EXTERNAL_REPO, testbed.description.external_repo)
    add_external_repo(admin, BUILD_TAG, ADDITIONS, url, priority=LATER)
    admin.createBuildTarget(TARGET, BUILD_TAG, TAG)
    new_repo(admin, BUILD_TAG)
    return TARGET


@pytest.fixture(scope="package")
def rpms(testbed: Testbed, target: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of the packages that the testbed has built of this tree."""
    directory = tmp_path_factory.mktemp("rpms")
    build = testbed.build(make_srpm(ROOT, directory / "source"), "--scratch", target=target)
    assert build.returncode == 0, build.output
    for rpm in testbed.topdir.glob(f"scratch/*/task_{build.tasks[0].id}/*.noarch.rpm"):
        shutil.copy(rpm, directory)
    return repository(directory, "--excludes=*.src.rpm")


@pytest.fixture(scope="package")
def base(repos: dict[str, Path], rpms: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Root]:
    """The daemon's package, installed into an empty root. Tests work in copies."""
    made = Root(path=tmp_path_factory.mktemp("base") / "root", repos={**repos, "own": rpms})
    made.path.mkdir()
    made.dnf("install", "koji-adjutant", *TO_LOOK)
    yield made
    shutil.rmtree(made.path)


@pytest.fixture(scope="package")
def released(
    distribution: Distribution, repos: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """Repositories with the version that hosts have: the converter makes an RPM of its wheel."""
    work, machine = tmp_path_factory.mktemp("released"), read_recipe().machine
    wheel = commit_wheel(RELEASED, work)
    tree = unpack_wheel(wheel, work, interpreter_of(distribution), {}, machine.debian)
    pack_trees(distribution, [tree], work / "repo", work)
    return {**repos, "released": work / "repo"}
