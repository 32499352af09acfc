"""A kojid.conf of an earlier version: its option names are still read, and said under their new names."""

from pathlib import Path

import pytest

from koji_adjutant.cli.commands import main
from koji_adjutant.config import Config, load_config
from koji_adjutant.policy.containers import task_limits

OLD = """\
[kojid]
server = https://hub/kojihub
topurl = https://hub/kojifiles
adjutant_limits_rebuildSRPM = pids=100
[adjutant]
limits = memory=16G, cpus=8
limits_buildArch = memory=32G pids=none
limits_createrepo = memory=none
"""
GIB = 1 << 30


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "kojid.conf"
    path.write_text(OLD)
    return path


def in_force(config: Config) -> dict[str, tuple[int | None, float | None, int | None]]:
    found = {
        method: task_limits(config, method=method) for method in ("buildArch", "rebuildSRPM", "createrepo")
    }
    return {method: (one.memory, one.cpus, one.pids) for method, one in found.items()}


def test_an_old_file_means_what_it_meant(file: Path) -> None:
    assert in_force(load_config(file, environment={})) == {
        "buildArch": (32 * GIB, 8, None),
        "rebuildSRPM": (16 * GIB, 8, 100),
        "createrepo": (None, 8, 32768),
    }


def test_it_is_said_what_to_write(file: Path) -> None:
    said = {
        "limits_rebuildsrpm = 'pids=100'": "rebuildSRPM.pids=100",
        "limits_buildarch = 'memory=32G pids=none'": "buildArch.memory=32G buildArch.pids=none",
        "limits_createrepo = 'memory=none'": "createrepo.memory=none",
    }
    assert load_config(file, environment={}).notices == tuple(
        f"{file}: option {old}: is an old name; write {new} into limits" for old, new in said.items()
    )


def test_what_was_said_can_be_written(file: Path) -> None:
    old = load_config(file, environment={})
    words = [notice.partition("write ")[2].removesuffix(" into limits") for notice in old.notices]
    lines = [line for line in OLD.splitlines() if "limits_" not in line]
    file.write_text("\n".join(lines) + "\n  " + "\n  ".join(words) + "\n")
    new = load_config(file, environment={})
    assert new.notices == ()
    assert new.limits == old.limits


@pytest.mark.parametrize("old_is_in_the_environment", [False, True])
def test_the_new_name_goes_first_and_takes_away_only_what_it_says(
    file: Path, old_is_in_the_environment: bool
) -> None:
    new = "buildArch.memory=1G cpus=2"
    if old_is_in_the_environment:
        file.write_text(OLD.replace("memory=16G, cpus=8", new).replace("limits_buildArch", "#"))
        environment = {"KOJI_ADJUTANT_LIMITS_BUILDARCH": "memory=32G pids=none"}
    else:
        environment = {"KOJI_ADJUTANT_LIMITS": new}
    assert in_force(load_config(file, environment=environment)) == {
        "buildArch": (GIB, 2, None),
        "rebuildSRPM": (None, 2, 100),
        "createrepo": (None, 2, 32768),
    }


def test_an_old_name_in_the_environment_replaces_that_of_the_file(file: Path) -> None:
    config = load_config(file, environment={"KOJI_ADJUTANT_LIMITS_BUILDARCH": "cpus=1"})
    assert in_force(config)["buildArch"] == (16 * GIB, 1, 32768)
    assert [notice for notice in config.notices if "buildarch" in notice] == [
        "environment: option limits_buildarch = 'cpus=1': is an old name; write buildArch.cpus=1 into limits"
    ]


def test_what_the_new_name_says_need_not_be_written(file: Path) -> None:
    file.write_text(OLD.replace("memory=16G, cpus=8", "buildArch.memory=1G createrepo.memory=1G"))
    _, build, createrepo = load_config(file, environment={}).notices
    assert build.endswith("is an old name; write buildArch.pids=none into limits")
    assert createrepo.endswith("is an old name; leave it out")


def test_an_old_name_without_a_value(file: Path) -> None:
    file.write_text(OLD.replace("memory=none", ""))
    assert load_config(file, environment={}).notices[-1].endswith("is an old name; leave it out")


def test_check_says_it_and_is_content(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "check", "-c", str(file)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"{file}: good"
    assert said[1].startswith(f"{file}: option limits_rebuildsrpm = 'pids=100': is an old name; write ")
    (shown,) = [line for line in said if line.startswith("[adjutant] limits")]
    assert set(shown.partition(" = ")[2].split()) == {
        "memory=17179869184",
        "cpus=8.0",
        "rebuildSRPM.pids=100",
        "buildArch.memory=34359738368",
        "buildArch.pids=none",
        "createrepo.memory=none",
    }
