"""What a task, the making of images and the shell have of an engine."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from koji_adjutant.config import Config
from koji_adjutant.container.interface import ContainerManager, ContainerSpec
from koji_adjutant.container.labels import Role
from koji_adjutant.errors import BuildFailed, EngineError, EngineFailed
from koji_adjutant.guards.stack import confined, guarded, guarded_spec
from koji_adjutant.policy.containers import TaskLimits
from tests.fakes.containers import FakeContainerManager, running
from tests.unit.guards.limits_bench import LIMITS, inner, spec

__all__ = ["inner"]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(
        server="http://h",
        topurls=("http://h",),
        workdir=str(tmp_path),
        state_dir=tmp_path,
        cache_dir=tmp_path / "cache",
    )


@contextmanager
def of_task(engine: ContainerManager, config: Config) -> Iterator[ContainerManager]:
    with guarded(engine, config, LIMITS, task_image="task:1", home="/builddir") as wrapped:
        yield wrapped


def test_a_task_has_an_engine_with_its_limits(inner: FakeContainerManager, config: Config) -> None:
    empty = inner.import_empty_image("localhost/empty:1")
    with of_task(inner, config) as engine:
        assert engine.import_empty_image("localhost/empty:1").id == empty.id
        for image in ("image:1", empty.id):
            with engine.created(
                ContainerSpec(image=image, command=("true",), labels=spec(Role.BUILD).labels)
            ):
                pass
    assert [made.limits.disk_bytes for made in inner.specs] == [LIMITS.build_disk, None]
    assert {made.limits.memory_bytes for made in inner.specs} == {LIMITS.memory}


def test_what_fails_in_a_task_says_whose_fault_it_is(inner: FakeContainerManager, config: Config) -> None:
    with pytest.raises(EngineFailed), of_task(inner, config):
        raise EngineError("cannot do it", status=500)
    fault = BuildFailed("error building package")
    with (
        pytest.raises(BuildFailed) as raised,
        of_task(inner, config) as engine,
        running(engine, spec(Role.BUILD)),
    ):
        raise fault
    assert raised.value is fault


def test_images_are_made_without_limits(inner: FakeContainerManager, config: Config) -> None:
    wanted = spec(Role.IMAGE)
    with confined(inner, config).created(wanted):
        pass
    assert inner.specs == [wanted]


def test_the_shell_has_the_limits_of_a_build(inner: FakeContainerManager, config: Config) -> None:
    found = guarded_spec(spec(Role.SHELL), inner, config, TaskLimits(memory=1 << 30, cpus=1.5, pids=40))
    limits = found.limits
    assert (limits.memory_bytes, limits.cpus, limits.pids, limits.shm_bytes) == (1 << 30, 1.5, 40, 9)
