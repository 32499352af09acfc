"""What a container of the trial has said, and what follows."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.cli.doctor.surroundings import Surroundings
from koji_adjutant.cli.doctor.table import CHECKS

WELL = {
    "machine": "x86_64",
    "memory": str(256 << 20),
    "pids": "1234",
    "cpu": "50000 100000",
    "nofile": "1048576",
    "label": "",
    "interfaces": "lo ",
    "rpm": "sqlite /usr/lib/sysimage/rpm",
    "has-rpm": "/usr/bin/rpm",
    "has-dnf": "/usr/bin/dnf",
    "has-createrepo_c": "/usr/bin/createrepo_c",
}


class Seen(Surroundings):
    """Surroundings whose hub has these packages of rpm, by tag."""

    def __init__(self, file: Path, report: Mapping[str, str], versions: Mapping[str, str]) -> None:
        super().__init__(file, {})
        self.report = dict(report)
        self.versions = versions
        self.images = {"koji-adjutant-task:almalinux10": tuple(versions)}

    def ask_all(self, method: str, *calls: tuple[tuple[Any, ...], dict[str, Any]]) -> list[Any]:
        assert method == "listTagged"
        found = [self.versions[tag] for (tag,), _ in calls]
        return [[{"version": version}] if version else [] for version in found]


def finding(
    tmp_path: Path, check: str, changes: Mapping[str, str], versions: Mapping[str, str], limits: str = ""
) -> str:
    file = tmp_path / "kojid.conf"
    file.write_text(
        f"[kojid]\nserver = http://hub/kojihub\ntopurl = http://hub/files\n[adjutant]\n{limits}\n"
    )
    row = next(one for one in CHECKS if one.id == check)
    seen = Seen(file, {**WELL, **changes}, versions)
    found = row.look(seen)
    return f"{found.status}: {found.text}"


@pytest.mark.parametrize(
    ("check", "changes", "expected"),
    [
        ("engine.limits", {}, "ok: limits"),
        ("engine.limits", {"memory": "max"}, "warning: limits of memory are not enforced"),
        ("engine.limits", {"memory": "9223372036854771712"}, "warning: limits of memory"),
        ("engine.limits", {"pids": "max", "cpu": "max 100000"}, "warning: limits of pids, cpus"),
        ("engine.limits", {"cpu": "-1"}, "warning: limits of cpus"),
        ("engine.files", {"nofile": "512"}, "warning: a process in a container may open 512"),
        ("engine.files", {"nofile": "unlimited"}, "ok:"),
        (
            "network.build",
            {"interfaces": "lo eth0 "},
            "failure: a container that is to have no network has eth0",
        ),
        ("network.build", {"interfaces": "lo sit0 "}, "ok:"),
        ("images.programs", {"has-dnf": ""}, "failure: image koji-adjutant-task:almalinux10 lacks dnf"),
        ("images.rpm-database", {"rpm": ""}, "failure: rpm of image"),
        (
            "images.rpm-database",
            {},
            "failure: rpm of image koji-adjutant-task:almalinux10 writes sqlite: el8",
        ),
        ("images.rpm-database", {"rpm": "bdb /var/lib/rpm"}, "ok:"),
    ],
)
def test_a_report(tmp_path: Path, check: str, changes: Mapping[str, str], expected: str) -> None:
    versions = {"el8": "4.14.3", "el9": "4.16.1.3", "el10": "6.0", "outside": ""}
    assert finding(tmp_path, check, changes, versions).startswith(expected)


def test_a_limit_that_is_configured_and_not_enforced(tmp_path: Path) -> None:
    told = finding(tmp_path, "engine.limits", {"memory": "max"}, {}, "limits = buildArch.memory=4G")
    assert told == (
        "failure: limits of memory are not enforced in a container, and the configuration sets buildArch.memory"
    )


def test_without_an_image_nothing_is_known(tmp_path: Path) -> None:
    file = tmp_path / "kojid.conf"
    for check in ("engine.limits", "engine.files", "network.build", "images.programs", "images.rpm-database"):
        row = next(one for one in CHECKS if one.id == check)
        assert row.look(Seen(file, {}, {})).status == "not checked"
