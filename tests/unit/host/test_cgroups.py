"""Figures of control groups, as kernels write them, below directories of the test's."""

import os
from pathlib import Path

import pytest

from koji_adjutant.host.cgroups import ControlGroup, upper_directory

NAME = "machine.slice/libpod-ab.scope"


@pytest.fixture
def v2(tmp_path: Path) -> Path:
    (tmp_path / "cgroup.controllers").write_text("cpu io memory pids\n")
    group = tmp_path / NAME
    group.mkdir(parents=True)
    (group / "memory.peak").write_text("209715200\n")
    (group / "cpu.stat").write_text("usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\n")
    (group / "io.stat").write_text("8:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n")
    (group / "pids.peak").write_text("17\n")
    (group / "cgroup.procs").write_text("41\n42\n")
    return tmp_path


@pytest.fixture
def v1(tmp_path: Path) -> Path:
    for controller, name, text in (
        ("memory", "memory.max_usage_in_bytes", "209715200\n"),
        ("cpuacct", "cpuacct.usage", "2500000000\n"),
        (
            "blkio",
            "blkio.throttle.io_service_bytes",
            "8:0 Read 4096\n8:0 Write 0\n8:0 Total 4096\nTotal 4096\n",
        ),
    ):
        group = tmp_path / controller / NAME
        group.mkdir(parents=True)
        (group / name).write_text(text)
    return tmp_path


def found(root: Path) -> ControlGroup:
    group = ControlGroup.find(("libpod_parent/libpod-ab", NAME), root)
    assert group is not None
    return group


def test_of_cgroup_v2(v2: Path) -> None:
    assert found(v2).figures() == {
        "memory_bytes": 200 << 20,
        "cpu_seconds": 2.5,
        "read_bytes": 4096,
        "written_bytes": 8192,
        "pids": 17,
    }
    assert found(v2).first_pid() == 41


def test_of_v1_which_does_not_know_who_has_written(v1: Path) -> None:
    assert found(v1).figures() == {"memory_bytes": 200 << 20, "cpu_seconds": 2.5, "read_bytes": 4096}


def test_what_an_older_kernel_does_not_count_is_left_out(v2: Path) -> None:
    (v2 / NAME / "memory.peak").unlink()
    (v2 / NAME / "pids.peak").write_text("max\n")
    assert found(v2).figures().keys() == {"cpu_seconds", "read_bytes", "written_bytes"}


def test_a_group_that_is_gone_has_no_figures(v2: Path) -> None:
    group = found(v2)
    for file in (v2 / NAME).iterdir():
        file.unlink()
    (v2 / NAME).rmdir()
    assert group.figures() == {}
    assert group.first_pid() is None
    assert not group.begin_peak()


def test_none_is_seen(tmp_path: Path) -> None:
    assert ControlGroup.find((NAME,), tmp_path) is None


def test_a_peak_begins_anew(v1: Path) -> None:
    assert found(v1).begin_peak()
    assert (v1 / "memory" / NAME / "memory.max_usage_in_bytes").read_text().startswith("0\n")


def test_the_directory_of_a_root(tmp_path: Path) -> None:
    upper = tmp_path / "diff"
    upper.mkdir()
    (tmp_path / "41").mkdir()
    options = f"rw,lowerdir=/l/A:/l/B,upperdir={upper},workdir=/w"
    (tmp_path / "41" / "mountinfo").write_text(
        f"20 1 0:5 / /proc rw - proc proc rw\n21 1 0:9 / / rw,relatime shared:1 - overlay overlay {options}\n"
    )
    assert upper_directory(41, tmp_path) == upper
    assert upper_directory(42, tmp_path) is None
    (tmp_path / "41" / "mountinfo").write_text("21 1 8:1 / / rw - ext4 /dev/sda1 rw\n")
    assert upper_directory(41, tmp_path) is None


def test_a_process_of_this_machine_has_what_its_kernel_says() -> None:
    found = upper_directory(os.getpid())
    assert found is None or found.is_dir()
