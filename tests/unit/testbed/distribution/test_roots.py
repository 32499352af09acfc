"""Roots that rpm installs."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from pytest_mock import MockerFixture

from koji_adjutant.testbed.distribution import roots
from koji_adjutant.testbed.distribution.roots import DATABASE, files_for, install_command
from koji_adjutant.testbed.distribution.tools import HOST_TOOLS


def candidate(name: str) -> Any:
    return SimpleNamespace(name=name, location=f"Packages/{name}.rpm")


def test_what_is_present_is_not_installed_again(mocker: MockerFixture) -> None:
    """A package, all that it requires, and nothing of what what is there requires."""
    needs = {"rpm": ["rpm", "libc"], "dnf": ["dnf", "rpm", "libc"], "bash": ["bash", "libc"]}
    mocker.patch.object(roots, "read_candidates")
    mocker.patch.object(
        roots,
        "closure",
        side_effect=lambda _, names: [
            candidate(name) for name in dict.fromkeys(one for top in names for one in needs[top])
        ],
    )
    distribution = cast("Any", SimpleNamespace(repo=Path("/repo")))
    assert [path.stem for path in files_for(distribution, ["dnf"], ["rpm"])] == ["dnf"]
    assert [path.stem for path in files_for(distribution, ["bash"])] == ["bash", "libc"]


def test_its_own_rpm_finds_the_database() -> None:
    command = install_command(HOST_TOOLS, Path("/root"), [Path("/repo/a.rpm")])
    assert command[:3] == ["rpm", "--root", "/root"]
    assert f"_dbpath {DATABASE}" in command
    assert command[-2:] == ["-U", "/repo/a.rpm"]
