"""The createrepo adapter on a real engine: a hub's volume whose parts are elsewhere, or cannot be seen."""

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from koji.tasks import RefuseTask

from koji_adjutant.container.labels import TASK, WORKER
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.errors import TaskFailed
from koji_adjutant.task_adapters.base import TaskContext
from koji_adjutant.task_adapters.createrepo import CreaterepoAdapter
from koji_adjutant.task_adapters.repodata.repo_plan import RepoPlan
from koji_adjutant.task_adapters.repodata.verify import package_count, verify_repodata
from koji_adjutant.task_adapters.topdir import topdir_mounts
from tests.integration import running
from tests.unit.task_adapters.repos import lay_out_repo, make_package

pytestmark = pytest.mark.podman

OWNER = {WORKER: "volumes", TASK: "7"}


class Log:
    """A log in memory."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, stream: str, data: bytes) -> None:
        self.data += data


@pytest.fixture
def manager(testbed: running.Testbed) -> Iterator[PodmanManager]:
    found = PodmanManager(testbed.engine.socket, testbed.config.container_timeouts)
    yield found
    assert found.find(OWNER) == ()
    found.close()


@pytest.fixture
def ctx(testbed: running.Testbed, tmp_path: Path) -> TaskContext:
    workdir = tmp_path / "work"
    workdir.mkdir()
    config = dataclasses.replace(testbed.config, topdir=str(tmp_path / "topdir"))
    return TaskContext(
        task_id=7, parameters={}, session=testbed.session, workdir=workdir, config=config, worker="volumes"
    )


@pytest.fixture
def plan(ctx: TaskContext, tmp_path: Path) -> RepoPlan:
    """A repo of one package in the topdir and one on a volume, which is a link to another place."""
    topdir = Path(ctx.config.topdir)
    near = make_package(topdir / "packages", "near")
    volume = tmp_path / "elsewhere"
    make_package(volume / "packages", "far")
    (topdir / "vol").mkdir()
    (topdir / "vol/far").symlink_to(volume)
    (topdir / "repos").mkdir()
    far = topdir / "vol/far/packages/noarch/far-1-1.noarch.rpm"
    lay_out_repo(topdir, "dist-build", 4, [near, far])
    return RepoPlan(
        repo_id=4,
        tag_name="dist-build",
        arch="x86_64",
        topdir=str(topdir),
        workdir=ctx.workdir,
        has_comps=True,
    )


def run(ctx: TaskContext, plan: RepoPlan, manager: PodmanManager) -> bytes:
    log = Log()
    adapter = CreaterepoAdapter(
        plan=plan, image=ctx.config.task_image_default, topdir=topdir_mounts(ctx.config)
    )
    adapter.run(ctx, manager, log)
    return log.data


def test_volume_elsewhere_is_seen(ctx: TaskContext, plan: RepoPlan, manager: PodmanManager) -> None:
    log = run(ctx, plan, manager)
    assert package_count(verify_repodata(plan.datadir)) == 2
    assert b"Pool finished" in log


def test_volume_that_is_not_mounted_fails(
    ctx: TaskContext, plan: RepoPlan, manager: PodmanManager, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").rename(tmp_path / "gone")
    with pytest.raises(TaskFailed, match=r"failed to create repo: .* exited with status 2"):
        run(ctx, plan, manager)


def test_volume_that_may_not_be_read_is_refused(
    ctx: TaskContext, plan: RepoPlan, manager: PodmanManager, tmp_path: Path
) -> None:
    directory = tmp_path / "elsewhere/packages/noarch"
    package = next(directory.iterdir())
    package.chmod(0)
    # Root without capabilities is refused what it does not own, as on a volume that squashes root.
    os.chown(package, 12345, 12345)
    with pytest.raises(RefuseTask, match=r"far-1-1\.noarch\.rpm.*Permission denied"):
        run(ctx, plan, manager)


def test_the_topdir_cannot_be_written(ctx: TaskContext, plan: RepoPlan, manager: PodmanManager) -> None:
    adapter = CreaterepoAdapter(
        plan=plan, image=ctx.config.task_image_default, topdir=topdir_mounts(ctx.config)
    )
    spec = adapter.build_spec(ctx, {})
    for path in (plan.repodir, Path(plan.topdir) / "vol/far"):
        log = Log()
        touched = dataclasses.replace(spec, command=("/usr/bin/touch", str(path / "mine")))
        assert manager.run(touched, log) != 0
        assert b"Read-only file system" in log.data
        assert not (path / "mine").exists()
