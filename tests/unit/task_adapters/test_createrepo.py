"""The createrepo adapter: its container, and what it accepts of what createrepo_c leaves."""

import dataclasses
import sys
from pathlib import Path
from typing import Any

import pytest
from koji.tasks import RefuseTask

from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerSpec, LogSink
from koji_adjutant.errors import TaskFailed
from koji_adjutant.task_adapters.base import TaskContext
from koji_adjutant.task_adapters.createrepo import CreaterepoAdapter
from koji_adjutant.task_adapters.repodata.repo_plan import RepoPlan
from koji_adjutant.task_adapters.repodata.verify import package_count, verify_repodata
from koji_adjutant.task_adapters.topdir import topdir_mounts
from tests.unit.task_adapters.conftest import Log
from tests.unit.task_adapters.host_engine import HostEngine
from tests.unit.task_adapters.repos import lay_out_repo


@pytest.fixture
def plan(ctx: TaskContext, topdir: Path) -> RepoPlan:
    packages = [topdir / "packages" / f"{name}.rpm" for name in ("one", "two")]
    lay_out_repo(topdir, "dist-build", 4, packages)
    return RepoPlan(
        repo_id=4,
        tag_name="dist-build",
        arch="x86_64",
        topdir=str(topdir),
        workdir=ctx.workdir,
        has_comps=True,
    )


def adapter(ctx: TaskContext, plan: RepoPlan) -> CreaterepoAdapter:
    return CreaterepoAdapter(plan=plan, image="tools:1", topdir=topdir_mounts(ctx.config))


def run(ctx: TaskContext, plan: RepoPlan, engine: Any, log: Log) -> CreaterepoAdapter:
    made = adapter(ctx, plan)
    assert made.run(ctx, engine, log) == 0
    return made


def test_container_has_the_least(ctx: TaskContext, plan: RepoPlan, topdir: Path) -> None:
    spec = adapter(ctx, plan).build_spec(ctx, {})
    assert spec.network == "none"
    assert spec.capabilities == frozenset()
    assert spec.no_new_privileges
    assert spec.label_disable
    assert [mount.target for mount in spec.mounts if not mount.read_only] == [str(ctx.workdir)]
    shared = next(mount for mount in spec.mounts if mount.target == str(topdir))
    assert shared.read_only
    assert set(shared.options) == {"rbind", "rslave"}
    assert spec.labels[labels.ROLE] == "tool"
    assert spec.labels[labels.TASK] == "7"
    assert spec.labels["site"] == "here"
    assert spec.environment["KOJI_BUILD_TAG"] == "dist-build"


def test_repo_is_made(ctx: TaskContext, plan: RepoPlan, log: Log) -> None:
    made = run(ctx, plan, HostEngine(), log)
    assert "repomd.xml" in made.result
    assert package_count(verify_repodata(plan.datadir)) == 2
    assert log.data.startswith(b"$ /usr/bin/createrepo_c --error-exit-val -vd -o ")


def test_repo_is_made_by_the_tools_of_today(ctx: TaskContext, plan: RepoPlan, log: Log) -> None:
    """createrepo_c 1.0 and later compress with zstd; the task image decides which one makes the repo."""

    class Newer(HostEngine):
        def run(self, spec: ContainerSpec, sink: LogSink, *, timeout: float | None = None) -> int:
            program = str(Path(sys.executable).with_name(Path(spec.command[0]).name))
            command = (program, *spec.command[1:])
            return super().run(dataclasses.replace(spec, command=command), sink, timeout=timeout)

    made = run(ctx, plan, Newer(), log)
    assert any(name.endswith("-primary.xml.zst") for name in made.result)
    assert made.version >= (1, 2)
    assert package_count(verify_repodata(plan.datadir)) == 2


def test_empty_repo_is_made(ctx: TaskContext, plan: RepoPlan, log: Log) -> None:
    empty = dataclasses.replace(plan, has_packages=False)
    run(ctx, empty, HostEngine(), log)
    assert package_count(verify_repodata(plan.datadir)) == 0


def test_missing_package_fails(ctx: TaskContext, plan: RepoPlan, topdir: Path, log: Log) -> None:
    (topdir / "packages/two.rpm").unlink()
    with pytest.raises(TaskFailed, match=r"failed to create repo: .* exited with status 2; see createrepo"):
        run(ctx, plan, HostEngine(), log)


@pytest.mark.parametrize("spoiled", ["repomd.xml", "*-primary.xml.gz", "*-other.sqlite.bz2"])
def test_missing_file_fails(ctx: TaskContext, plan: RepoPlan, log: Log, spoiled: str) -> None:
    engine = HostEngine(spoil=plan.datadir / spoiled)
    with pytest.raises(TaskFailed, match=r"failed to create repo: \S+.* is missing"):
        run(ctx, plan, engine, log)


def test_wrong_number_of_packages_fails(ctx: TaskContext, plan: RepoPlan, log: Log) -> None:
    run(ctx, plan, HostEngine(), log)
    with plan.pkglist.open("a") as pkglist:
        pkglist.write("toplink/packages/three.rpm\n")

    class Idle(HostEngine):
        def run(self, spec: object, sink: LogSink, *, timeout: float | None = None) -> int:
            return 0

    with pytest.raises(TaskFailed, match=r"failed to create repo: it has 2 packages, .*pkglist asks for 3"):
        run(ctx, plan, Idle(), log)


def test_unreadable_package_is_refused(ctx: TaskContext, plan: RepoPlan, log: Log) -> None:
    class Denying(HostEngine):
        def run(self, spec: object, sink: LogSink, *, timeout: float | None = None) -> int:
            sink.write("stderr", b"C_CREATEREPOLIB: Warning: Cannot read package: a.rpm: Fopen failed: Perm")
            sink.write("stderr", b"ission denied\nmore\n")
            return 2

    with pytest.raises(RefuseTask, match=r"a\.rpm: Fopen failed: Permission denied"):
        run(ctx, plan, Denying(), log)


def test_image_is_the_one_given(ctx: TaskContext, plan: RepoPlan) -> None:
    assert adapter(ctx, plan).build_spec(ctx, {}).image == "tools:1"
