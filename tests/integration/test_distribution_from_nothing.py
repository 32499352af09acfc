"""A distribution made from nothing, of few packages: what a first run downloads, compiles and packs."""

import dataclasses
import subprocess
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from koji_adjutant.testbed.distribution import distribution
from koji_adjutant.testbed.distribution.distribution import Distribution, make
from koji_adjutant.testbed.distribution.recipe import read_recipe
from koji_adjutant.testbed.distribution.source_packages import source_names


@pytest.fixture
def small(tmp_path: Path, mocker: MockerFixture) -> Distribution:
    recipe = dataclasses.replace(read_recipe(), seeds=("hostname", "python3", "rpm", "createrepo-c"))
    mocker.patch.object(distribution, "read_recipe", return_value=recipe)
    said: list[str] = []
    made = make(tmp_path / "distribution", said.append)
    assert any("packages of Debian" in line for line in said)
    return made


def query(package: Path, *options: str) -> list[str]:
    done = subprocess.run(["rpm", "-qp", *options, package], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_small_distribution_is_whole(small: Distribution) -> None:
    packages = {
        query(path, "--queryformat", "%{NAME}")[0]: path for path in small.repo.glob("Packages/*.rpm")
    }
    assert {"hostname", "glibc", "minidistro-filesystem", "rpm-build", "scriptlets-deps"} <= set(packages)
    assert "/usr/bin/hostname" in query(packages["hostname"], "--list")
    assert any(line.startswith("libc6") for line in query(packages["hostname"], "--requires"))
    library = next(path for name, path in packages.items() if name.startswith("libpython3."))
    assert any(line.endswith(".pyc") for line in query(library, "--list"))
    assert sorted(small.srpms) == source_names()
    assert all(path.exists() for path in [*small.srpms.values(), small.repo / "repodata" / "repomd.xml"])
    # What apt downloaded is kept, and nothing else of the run.
    assert list((small.directory / "debs").glob("hostname_*.deb"))
    assert not list(small.directory.glob("work-*"))
