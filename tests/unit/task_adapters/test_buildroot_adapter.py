"""The build container, and the build user's home in it."""

import os
from functools import partial
from pathlib import Path

import pytest

from koji_adjutant.container import labels
from koji_adjutant.task_adapters.base import TaskContext
from koji_adjutant.task_adapters.buildroot_adapter import build_container_spec, staged_home
from koji_adjutant.task_adapters.rpmbuild import stage_source
from tests.unit.task_adapters.build_task import SETTINGS, quiet_context


@pytest.fixture
def ctx(tmp_path: Path) -> TaskContext:
    return quiet_context(tmp_path)


def test_build_container_has_no_privilege(ctx: TaskContext) -> None:
    spec = build_container_spec(ctx, SETTINGS, 3)
    assert (spec.network, spec.capabilities, spec.no_new_privileges, spec.user) == (
        "none",
        frozenset(),
        True,
        "1000:135",
    )
    assert [mount.target for mount in spec.mounts] == ["/dev/shm"]
    assert spec.labels == {
        labels.WORKER: "w",
        labels.ROLE: "build",
        labels.TASK: "5",
        labels.BUILDROOT: "3",
        labels.TAG: "dist-build",
        labels.ARCH: "x86_64",
    }
    assert spec.limits.pids == 32768


def test_the_home_that_is_copied_in(tmp_path: Path) -> None:
    srpm = tmp_path / "hello-1-1.src.rpm"
    srpm.write_bytes(b"rpm")
    home = staged_home(tmp_path / "stage", SETTINGS, partial(stage_source, srpm))
    assert home.name == "builddir"
    assert (home / ".rpmmacros").read_text() == (
        "%_buildhost builder.example\n%dist .x1\n%_openpgp_autosign_id %{nil}\n"
    )
    assert (home / "build" / "originals" / srpm.name).read_bytes() == b"rpm"


def test_shared_memory_is_half_of_memory_and_runs_programs(ctx: TaskContext) -> None:
    memory = build_container_spec(ctx, SETTINGS, 3).mounts[0]
    assert (memory.kind, memory.read_only) == ("tmpfs", False)
    (size,) = [int(option.removeprefix("size=")) for option in memory.options if option.startswith("size=")]
    assert size == max(1 << 30, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2)
    assert "noexec" not in memory.options


def test_a_task_may_stage_nothing(tmp_path: Path) -> None:
    home = staged_home(tmp_path / "stage", SETTINGS, lambda _: None)
    assert [path.name for path in home.iterdir()] == [".rpmmacros"]
