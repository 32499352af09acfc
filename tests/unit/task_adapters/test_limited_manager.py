"""The limits of a task around the engine in memory: who gets which, and what is said when one was hit."""

import dataclasses
import threading

import pytest

from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerSpec, ResourceLimits
from koji_adjutant.container.labels import Owner, Role
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
from koji_adjutant.policy.limits import TaskLimits
from koji_adjutant.task_adapters.disk_watch import SCRIPT as MEASURE_SCRIPT
from koji_adjutant.task_adapters.disk_watch import DiskWatch, Usage, exceeded, watch_spec
from koji_adjutant.task_adapters.limited_manager import SCRIPT, LimitedManager, reasons_in
from tests.fakes.containers import Command, CommandResult, FakeContainer, FakeContainerManager
from tests.unit.task_adapters.conftest import Log

OWNER = Owner(worker="tests", task_id=7)
LIMITS = TaskLimits(
    memory=64 << 20,
    cpus=1.5,
    pids=40,
    build_disk=1000,
    build_inodes=10,
    origins={"memory": "limits_buildarch of the builder", "build_disk": "adjutant.limits of tag dist"},
)
EXAMINE = ("/bin/bash", "-c", SCRIPT.read_text())
MEASURE = ("/usr/bin/python3", "-c", MEASURE_SCRIPT.read_text())


def spec(role: Role, *command: str) -> ContainerSpec:
    return ContainerSpec(
        image="image:1",
        command=command or ("/bin/sleep", "infinity"),
        labels=OWNER.labels(role),
        limits=ResourceLimits(shm_bytes=9),
    )


@pytest.fixture
def inner() -> FakeContainerManager:
    manager = FakeContainerManager({MEASURE: CommandResult(endless=True), EXAMINE: CommandResult()})
    for image in ("image:1", "task:1"):
        manager.add_image(image)
    return manager


def limited(inner: FakeContainerManager, limits: TaskLimits = LIMITS) -> LimitedManager:
    return LimitedManager(inner, limits, task_image="task:1")


def watch(inner: FakeContainerManager, stopped: list[str], limits: TaskLimits = LIMITS) -> DiskWatch:
    """One that never begins: it is told what was counted."""
    return DiskWatch(
        manager=inner,
        limits=limits,
        container="c",
        spec=lambda upper: watch_spec(image="task:1", upper=upper, labels={}, limits=limits),
        on_full=lambda: stopped.append("c"),
    )


@pytest.mark.parametrize("role", [Role.BUILD, Role.INSTALLER, Role.TOOL])
def test_containers_of_a_task_get_its_limits(inner: FakeContainerManager, role: Role) -> None:
    manager = limited(inner, dataclasses.replace(LIMITS, build_disk=None, build_inodes=None)).manager
    with manager.created(spec(role)):
        pass
    with manager.running(spec(role)):
        pass
    manager.run(spec(role, "true"), Log())
    manager.remove(manager.create(spec(role)))
    assert len(inner.specs) == 4
    for made in inner.specs:
        found = made.limits
        assert (found.memory_bytes, found.cpus, found.pids, found.shm_bytes) == (64 << 20, 1.5, 40, 9)


def test_the_solver_and_unlabelled_containers_are_left_alone(inner: FakeContainerManager) -> None:
    manager = limited(inner).manager
    manager.run(spec(Role.SOLVER, "true"), Log())
    manager.run(dataclasses.replace(spec(Role.SOLVER, "true"), labels={}), Log())
    assert [made.limits for made in inner.specs] == [ResourceLimits(shm_bytes=9)] * 2


def test_a_root_from_an_image_has_a_quota_and_one_to_be_populated_has_none(
    inner: FakeContainerManager,
) -> None:
    manager = limited(inner).manager
    empty = manager.import_empty_image("localhost/empty:1")
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
    with pytest.raises(kind) as caught, one.explained(), one.running(spec(Role.BUILD)):
        raise kind("error building package", hint="status 1")
    assert str(caught.value) == (
        "error building package; status 1; the kernel killed 1 of its processes for want of memory; "
        "the limit memory is 64 MiB: raise memory in limits of the builder"
    )


def test_a_fault_for_which_no_limit_is_to_blame_is_left_as_it_is(inner: FakeContainerManager) -> None:
    one = limited(inner, TaskLimits())
    fault = BuildFailed("error building package")
    with pytest.raises(BuildFailed) as caught, one.explained(), one.running(spec(Role.BUILD)):
        raise fault
    assert caught.value is fault
    refusal = EngineError("no such image")
    with pytest.raises(EngineError) as refused, one.explained(), one.running(spec(Role.BUILD)):
        raise refusal
    assert refused.value is refusal


def test_limits_that_cannot_be_asked_for_leave_it_open_whose_fault_it_was(
    inner: FakeContainerManager,
) -> None:
    """What failed with the engine has not failed, also where its removal only notes what went wrong."""
    manager = limited(inner)
    broken_off = TaskInterrupted("the podman service broke off in the middle of it")
    with pytest.raises(TaskInterrupted, match="broke off"), manager.explained():
        with pytest.raises(BuildFailed, match="exited with 1") as failed, manager.running(spec(Role.BUILD)):
            inner.fail_next("exec", broken_off)
            raise BuildFailed("exited with 1")
        raise failed.value


def test_a_container_in_which_nothing_can_be_started_has_too_many_processes(
    inner: FakeContainerManager,
) -> None:
    inner.script(EXAMINE, CommandResult(exit_code=125))
    one = limited(inner, TaskLimits(pids=40))
    wanted = pytest.raises(BuildFailed, match=r"no other process.*limit pids is 40")
    with wanted, one.explained(), one.running(spec(Role.BUILD)):
        raise BuildFailed("error building package")


def test_a_killed_installer_is_put_down_to_memory_where_it_is_limited(inner: FakeContainerManager) -> None:
    inner.script(("install",), CommandResult(exit_code=137))
    for limits, said in ((TaskLimits(memory=1 << 30), True), (TaskLimits(), False)):
        one = limited(inner, limits)
        with pytest.raises(BuildrootFailed) as caught, one.explained():
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
    with inner.running(spec(Role.TOOL)) as tool:
        with wanted, one.explained(), one.created(spec(Role.BUILD)) as build:
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


@pytest.mark.parametrize("error", [TaskInterrupted("nobody knows"), EngineBroken("no space left")])
def test_a_full_disk_that_left_nobody_to_tell_of_it(
    inner: FakeContainerManager, error: AdjutantError
) -> None:
    one = limited(inner)
    inner.script(MEASURE, CommandResult(output=(("stdout", b"1.0 2000 3\n"),)))
    with (
        pytest.raises(BuildFailed, match="the build was stopped; it wrote"),
        one.explained(),
        one.running(spec(Role.BUILD)) as build,
    ):
        assert inner.container(build).ended.wait(10)
        raise error
    with pytest.raises(type(error)), limited(inner, TaskLimits()).explained():
        raise error


@pytest.mark.parametrize(
    ("failure", "fault", "said"),
    [
        (
            None,
            TaskInterrupted,
            "the disk of a build cannot be watched, which build_disk asks for: the counting",
        ),
        (EngineError("no room"), TaskInterrupted, "cannot be watched.*no room.*take build_disk out"),
        (EngineTimeout("podman did not finish"), EngineTimeout, "podman did not finish"),
    ],
)
def test_a_disk_that_cannot_be_watched_stops_the_build_and_is_no_fault_of_it(
    inner: FakeContainerManager, failure: AdjutantError | None, fault: type[AdjutantError], said: str
) -> None:
    inner.script(MEASURE, CommandResult(exit_code=1))
    one = limited(inner)
    with pytest.raises(fault, match=said), one.explained(), one.running(spec(Role.BUILD)) as build:
        if failure:
            inner.fail_next("create", failure)
        assert inner.container(build).ended.wait(10)
        raise BuildFailed("error building package")


def test_counting_begins_anew_when_the_root_is_complete(inner: FakeContainerManager) -> None:
    stopped: list[str] = []
    one = watch(inner, stopped)
    one.write("stdout", b"1.0 900 5\n2.0 9")
    one.root_is_complete()
    # Began before: it may have missed what is in the root now.
    one.write("stdout", b"99 5\n")
    one.write("stdout", b"3.0 2500 5\n")
    assert not stopped
    later = b"99999999999.0 "
    one.write("stdout", later + b"5000 5\n")
    one.write("stdout", later + b"5999 15\n")
    assert not stopped
    one.write("stdout", later + b"6001 15\n")
    one.write("stdout", later + b"7001 15\n")
    assert stopped == ["c", "c"]
    assert "it wrote 1001 bytes to its disk" in one.problem


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (Usage(bytes=1000, inodes=10), ""),
        (Usage(bytes=1001), "build_disk is 1000 bytes: raise build_disk in adjutant.limits of tag dist"),
        (
            Usage(inodes=11),
            "it made 11 files; the limit build_inodes is 10: raise build_inodes in limits of the",
        ),
    ],
)
def test_what_is_too_much(usage: Usage, expected: str) -> None:
    found = exceeded(usage, LIMITS)
    assert (expected in found) if expected else not found


def test_the_watch_may_read_what_is_written_and_nothing_else() -> None:
    made = watch_spec(
        image="task:1", upper="/storage/x/diff", labels={"a": "b"}, limits=TaskLimits(build_inodes=5)
    )
    assert made.command[-3:] == ("/upper", "0", "5")
    (mount,) = made.mounts
    assert (mount.source, mount.target, mount.read_only) == ("/storage/x/diff", "/upper", True)
    assert (made.network, made.capabilities) == ("none", frozenset({"DAC_READ_SEARCH"}))
