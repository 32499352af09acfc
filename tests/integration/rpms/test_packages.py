"""The project builds its own RPMs; what is in them, and what a root has after their installation and removal."""

import subprocess
from pathlib import Path

import pytest

from koji_adjutant import __version__
from tests.integration.rpms.root import Root

pytestmark = pytest.mark.podman

NOT_OURS = ("/usr/bin", "/usr/lib", "/usr/share", "/etc", "/var")


def listed(rpms: Path, name: str, *query: str) -> list[str]:
    (rpm,) = rpms.glob(f"{name}-{__version__}-*.noarch.rpm")
    argv = ["rpm", "--query", "--package", "--nosignature", *query, str(rpm)]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()


def test_the_daemons_package_has_no_testbed(rpms: Path) -> None:
    files = listed(rpms, "koji-adjutant", "--list")
    assert not [path for path in files if "testbed" in path]
    assert all(
        "/koji_adjutant/testbed" in path or "testbed.1" in path
        for path in listed(rpms, "koji-adjutant-testbed", "--list")
    )
    for path in ("/usr/bin/kojid", "/usr/lib/systemd/system/kojid-status.service", "/etc/kojid/kojid.conf"):
        assert path in files
    assert not [path for path in files if "/usr/local" in path or path.endswith("direct_url.json")]


def test_what_an_administrator_changes_stays(rpms: Path) -> None:
    assert listed(rpms, "koji-adjutant", "--configfiles") == [
        "/etc/kojid/kojid.conf",
        "/etc/logrotate.d/koji-adjutant",
    ]


def test_installed_and_removed(base: Root, tmp_path: Path) -> None:
    root = base.copy(tmp_path / "root")
    assert root.run("kojid", "--version").strip() == f"koji-adjutant {__version__}"
    root.run("rpm", "--verify", "koji-adjutant")
    assert root.run("stat", "--format=%a %U:%G", "/var/lib/koji-adjutant").split() == [
        "710",
        "root:koji-adjutant",
    ]
    assert root.run("stat", "--format=%a", "/etc/kojid/kojid.conf").strip() == "600"
    assert "koji-adjutant" in root.run("id", "-Gn", "koji-adjutant-status").split()
    told = subprocess.run(
        root.command("koji-adjutant", "testbed", "up"), capture_output=True, text=True, check=False
    )
    assert (told.returncode, told.stderr) == (
        2,
        "koji-adjutant: error: the testbed is not installed; it is in the package koji-adjutant-testbed\n",
    )
    root.dnf("install", "koji-adjutant-testbed")
    assert "koji-adjutant testbed up" in root.run("koji-adjutant", "testbed", "up", "--help")

    root.give_systemctl()
    root.dnf("reinstall", "koji-adjutant")
    asked = root.asked_of_systemd()
    assert "daemon-reload" in asked
    assert not {line.partition(" ")[0] for line in asked} & {"restart", "stop", "start", "enable", "disable"}
    root.dnf("remove", "koji-adjutant", "koji-adjutant-testbed")
    assert "--no-reload disable --now kojid-status.service kojid.service" in root.asked_of_systemd()
    found = root.run("find", *NOT_OURS, "(", "-name", "*koji?adjutant*", "-o", "-name", "kojid*", ")")
    assert not found.split(), found
