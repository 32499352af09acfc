"""The limits of a task around the engine in memory: who gets which, and what is said when one was hit."""

import dataclasses
import threading

import pytest

from koji_adjutant.container import labels
from koji_adjutant.container.interface import ResourceLimits
from koji_adjutant.container.labels import Role
from koji_adjutant.errors import (
    AdjutantError,
    BuildFailed,
    BuildrootFailed,
    EngineBroken,
    EngineError,
    EngineTimeout,
    TaskFault,
    TaskInterrupted,
    TaskTimeout,
)
from koji_adjutant.guards.limited import reasons_in
from koji_adjutant.policy.containers import TaskLimits
from tests.fakes.containers import Command, CommandResult, FakeContainer, FakeContainerManager, running
from tests.unit.guards.limits_bench import EXAMINE, LIMITS, MEASURE, inner, limited, spec
from tests.unit.task_adapters.conftest import Log

__all__ = ["inner"]


@pytest.mark.parametrize("role", [Role.BUILD, Role.INSTALLER, Role.TOOL])
def test_containers_of_a_task_get_its_limits(inner: FakeContainerManager, role: Role) -> None:
    rlimits = {"core": (0, 1)}
    manager = limited(inner, dataclasses.replace(LIMITS, build_disk=None, build_inodes=None, rlimits=rlimits))
    with manager.created(spec(role)):
        pass
    with running(manager, spec(role)):
        pass
    manager.run(spec(role, "true"), Log())
    manager.remove(manager.create(spec(role)))
    assert len(inner.specs) == 4
    for made in inner.specs:
        found = made.limits
        assert (found.memory_bytes, found.cpus, found.pids, found.shm_bytes) == (64 << 20, 1.5, 40, 9)
        assert found.rlimits == rlimits


def test_the_engine_is_told_what_somebody_has_asked_for(inner: FakeContainerManager) -> None:
    origins = {"memory": "limits of the builder", "cpus": "adjutant.limits of tag a", "build_disk": "nobody"}
    manager = limited(inner, dataclasses.replace(LIMITS, build_disk=None, cpus=None, origins=origins))
    manager.run(spec(Role.TOOL, "true"), Log())
    assert [made.limits.asked for made in inner.specs] == [{"memory": "limits of the builder"}]


def test_the_solver_and_unlabelled_containers_are_left_alone(inner: FakeContainerManager) -> None:
    manager = limited(inner)
    manager.run(spec(Role.SOLVER, "true"), Log())
    manager.run(dataclasses.replace(spec(Role.SOLVER, "true"), labels={}), Log())
    assert [made.limits for made in inner.specs] == [ResourceLimits(shm_bytes=9)] * 2


def test_a_root_from_an_image_has_a_quota_and_one_to_be_populated_has_none(
    inner: FakeContainerManager,
) -> None:
    manager = limited(inner)
    empty = inner.import_empty_image("localhost/empty:1")
    manager.note_empty_image(empty)
    with manager.created(dataclasses.replace(spec(Role.BUILD), image=empty.id)):
        pass
    with manager.created(spec(Role.BUILD)):
        pass
    quotas = [made.limits.disk_bytes for made in inner.specs if made.labels[labels.ROLE] == Role.BUILD]
    assert quotas == [None, 1000]


@pytest.mark.parametrize(
    ("answer", "limits", "expected"),
    [
        ("", LIMITS, []),
        ("memory 0\npids 0\nblocks 100 50\n", LIMITS, []),
        (
            "memory 2\n",
            LIMITS,
            [
                "killed 2 of its processes.*limit memory is 64 MiB: raise memory in limits_buildarch of the builder"
            ],
        ),
        ("memory 1\n", TaskLimits(), ["killed 1 of its processes.*no limit is set.*maxjobs"]),
        (
            "pids 3\n",
            LIMITS,
            ["could not start a process 3 times; the limit pids is 40: raise pids in limits"],
        ),
        (
            "blocks 1000 3\n",
            LIMITS,
            ["disk is full; the limit build_disk is 1000 bytes: raise build_disk in adj"],
        ),
        ("blocks 1000 3\n", TaskLimits(), ["disk is full; no limit is set: make room"]),
        ("memory many\nblocks 1\npids -1\nmemory 1 2\n\n", LIMITS, []),
    ],
)
def test_what_the_container_says_of_its_limits(answer: str, limits: TaskLimits, expected: list[str]) -> None:
    found = reasons_in(answer, limits)
    assert len(found) == len(expected)
    for reason, pattern in zip(found, expected, strict=True):
        with pytest.raises(BuildFailed, match=pattern):
            raise BuildFailed(reason)


@pytest.mark.parametrize("kind", [BuildFailed, TaskTimeout, BuildrootFailed])
def test_a_fault_keeps_its_kind_and_ends_with_the_limit(
    inner: FakeContainerManager, kind: type[TaskFault]
) -> None:
    inner.script(EXAMINE, CommandResult(output=(("stdout", b"memory 1\n"), ("stderr", b"pids 9\n"))))
    one = limited(inner, TaskLimits(memory=64 << 20))
    with pytest.raises(kind) as caught, one.diagnosed(), running(one, spec(Role.BUILD)):
        raise kind("error building package", hint="status 1")
    assert str(caught.value) == (
        "error building package; status 1; the kernel killed 1 of its processes for want of memory; "
        "the limit memory is 64 MiB: raise memory in limits of the builder"
    )


def test_a_fault_for_which_no_limit_is_to_blame_is_left_as_it_is(inner: FakeContainerManager) -> None:
    one = limited(inner, TaskLimits())
    fault = BuildFailed("error building package")
    with pytest.raises(BuildFailed) as caught, one.diagnosed(), running(one, spec(Role.BUILD)):
        raise fault
    assert caught.value is fault
    refusal = EngineError("no such image", status=400)
    with pytest.raises(EngineError) as refused, one.diagnosed(), running(one, spec(Role.BUILD)):
        raise refusal
    assert refused.value is refusal


def test_limits_that_cannot_be_asked_for_leave_it_open_whose_fault_it_was(
    inner: FakeContainerManager,
) -> None:
    """What failed with the engine has not failed, also where its removal only notes what went wrong."""
    manager = limited(inner)
    broken_off = TaskInterrupted("the podman service broke off in the middle of it")
    with pytest.raises(TaskInterrupted, match="broke off"), manager.diagnosed():
        with pytest.raises(BuildFailed, match="exited with 1") as failed, running(manager, spec(Role.BUILD)):
            inner.fail_next("exec", broken_off)
            raise BuildFailed("exited with 1")
        raise failed.value


def test_a_container_in_which_nothing_can_be_started_has_too_many_processes(
    inner: FakeContainerManager,
) -> None:
    inner.script(EXAMINE, CommandResult(exit_code=125))
    one = limited(inner, TaskLimits(pids=40))
    wanted = pytest.raises(BuildFailed, match=r"no other process.*limit pids is 40")
    with wanted, one.diagnosed(), running(one, spec(Role.BUILD)):
        raise BuildFailed("error building package")


def test_a_killed_installer_is_put_down_to_memory_where_it_is_limited(inner: FakeContainerManager) -> None:
    inner.script(("install",), CommandResult(exit_code=137))
    for limits, said in ((TaskLimits(memory=1 << 30), True), (TaskLimits(), False)):
        one = limited(inner, limits)
        with pytest.raises(BuildrootFailed) as caught, one.diagnosed():
            assert one.run(spec(Role.INSTALLER, "install"), Log()) == 137
            raise BuildrootFailed("could not init buildroot")
        assert ("installer container was killed" in str(caught.value)) is said


def test_a_full_disk_stops_build_and_installer_and_nothing_else(inner: FakeContainerManager) -> None:
    one = limited(inner)
    stopped: list[bool] = []
    installing = threading.Event()

    def count(_own: FakeContainer, _command: Command) -> None:
        installing.wait(10)

    inner.script(MEASURE, CommandResult(output=(("stdout", b"1.0 2000 3\n"),), effect=count))
    wanted = pytest.raises(BuildFailed, match=r"wrote 1\.953 KiB.*build_disk is 1000 bytes.*of tag dist")
    with running(inner, spec(Role.TOOL)) as tool:
        with wanted, one.diagnosed(), one.created(spec(Role.BUILD)) as build:
            inner.start(build)

            def install(own: FakeContainer, _command: Command) -> None:
                installing.set()
                stopped.extend((inner.container(build).ended.wait(10), own.ended.wait(10)))

            inner.script(("install",), CommandResult(exit_code=137, effect=install))
            one.run(spec(Role.INSTALLER, "install"), Log())
            assert one.run(spec(Role.INSTALLER, "once more"), Log()) == 137
            raise BuildFailed("error building package")
        assert inner.container(tool).state == "running"
    assert stopped == [True, True]
    assert not inner.find({})


@pytest.mark.parametrize(
    "error", [TaskInterrupted("nobody knows"), EngineBroken("no space left"), EngineTimeout("too late")]
)
def test_a_full_disk_that_left_nobody_to_tell_of_it(
    inner: FakeContainerManager, error: AdjutantError
) -> None:
    one = limited(inner)
    inner.script(MEASURE, CommandResult(output=(("stdout", b"1.0 2000 3\n"),)))
    with (
        pytest.raises(BuildFailed, match="the build was stopped; it wrote"),
        one.diagnosed(),
        running(one, spec(Role.BUILD)) as build,
    ):
        assert inner.container(build).ended.wait(10)
        raise error
    with pytest.raises(type(error)), limited(inner, TaskLimits()).diagnosed():
        raise error
