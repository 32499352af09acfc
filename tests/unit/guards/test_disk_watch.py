"""The watch over the disk of a build: what it counts, and that nothing takes it away from a build unnoticed."""

import threading

import pytest

from koji_adjutant.container import labels
from koji_adjutant.container.labels import Role
from koji_adjutant.errors import (
    AdjutantError,
    BuildFailed,
    EngineBroken,
    EngineError,
    EngineTimeout,
    TaskInterrupted,
)
from koji_adjutant.guards.disk_watch import DiskWatch, Usage, exceeded, watch_spec
from koji_adjutant.policy.containers import TaskLimits
from tests.fakes.containers import Command, CommandResult, FakeContainer, FakeContainerManager, running
from tests.unit.guards.limits_bench import LIMITS, MEASURE, inner, limited, spec, watch

__all__ = ["inner"]


@pytest.mark.parametrize(
    ("failure", "fault", "said"),
    [
        (
            None,
            TaskInterrupted,
            "the disk of a build cannot be watched, which build_disk asks for: the counting",
        ),
        (TaskInterrupted("its monitor was killed"), TaskInterrupted, "cannot be watched.*the counting ended"),
        (EngineTimeout("podman did not finish"), EngineTimeout, "podman did not finish"),
    ],
)
def test_a_disk_that_cannot_be_watched_stops_the_build_and_is_no_fault_of_it(
    inner: FakeContainerManager, failure: AdjutantError | None, fault: type[AdjutantError], said: str
) -> None:
    inner.script(MEASURE, CommandResult(exit_code=1))
    one = limited(inner)
    with pytest.raises(fault, match=said), one.diagnosed(), running(one, spec(Role.BUILD)) as build:
        if failure:
            inner.fail_next("create", failure)
        assert inner.container(build).ended.wait(10)
        raise BuildFailed("error building package")


def test_a_watch_that_cannot_be_ended_hides_nothing(inner: FakeContainerManager) -> None:
    """An engine without room refuses that, too; what the watch has found is what the task fails with."""
    one = limited(inner)
    inner.script(MEASURE, CommandResult(output=(("stdout", b"1.0 2000 3\n"),), endless=True))
    kill = inner.kill

    def kill_build(container: str) -> None:
        if inner.container(container).spec.labels[labels.ROLE] == Role.TOOL:
            raise EngineBroken("no space left on device")
        kill(container)

    inner.kill = kill_build  # type: ignore[method-assign]
    with (
        pytest.raises(BuildFailed, match=r"it wrote.*build_disk is 1000 bytes"),
        one.diagnosed(),
        running(one, spec(Role.BUILD)) as build,
    ):
        assert inner.container(build).ended.wait(10)
        raise BuildFailed("error building package")


def test_a_build_that_cannot_be_stopped_at_once_is_stopped_later(inner: FakeContainerManager) -> None:
    """Whether at its limit, or because nobody watches it any more."""
    for result in (CommandResult(output=(("stdout", b"1.0 2000 3\n"),)), CommandResult(exit_code=1)):
        inner.script(MEASURE, result)
        one = limited(inner)
        with (
            pytest.raises((BuildFailed, TaskInterrupted)),
            one.diagnosed(),
            running(one, spec(Role.BUILD)) as build,
        ):
            inner.fail_next("kill", EngineError("it is busy"))
            assert inner.container(build).ended.wait(10)
            raise BuildFailed("error building package")


def test_one_that_is_just_going_keeps_no_other_from_being_stopped(inner: FakeContainerManager) -> None:
    one = limited(inner)
    with running(one, spec(Role.BUILD)) as first, running(one, spec(Role.BUILD)) as second:
        inner.fail_next("kill", EngineError("no such container", status=404))
        with pytest.raises(EngineError, match="no such container"):
            one._stop(spec(Role.BUILD))
        states = {inner.container(container).state for container in (first, second)}
    assert states == {"running", "exited"}


def test_a_counting_that_dies_is_begun_again_and_the_limit_stays(
    inner: FakeContainerManager, caplog: pytest.LogCaptureFixture
) -> None:
    counts = iter([b"1.0 900 3\n", b"nonsense\n", b"2.0 900 3\n", b"3.0 2000 3\n"])

    def count(_own: FakeContainer, _command: Command) -> None:
        inner.script(MEASURE, CommandResult(output=(("stdout", next(counts, b"9.0 9 9\n")),), effect=count))

    inner.script(MEASURE, CommandResult(exit_code=1, effect=count))
    one = limited(inner)
    with (
        pytest.raises(BuildFailed, match=r"it wrote.*build_disk is 1000 bytes"),
        one.diagnosed(),
        running(one, spec(Role.BUILD)) as build,
    ):
        assert inner.container(build).ended.wait(10)
        raise BuildFailed("error building package")
    assert caplog.text.count("is begun again") == 4
    assert "the counting said b'nonsense'" in caplog.text


def test_a_thread_that_dies_stops_the_build(
    inner: FakeContainerManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of what nobody has thought of."""
    died = threading.Event()
    monkeypatch.setattr(threading, "excepthook", lambda _: died.set())
    monkeypatch.delattr(DiskWatch, "_count")
    one = limited(inner)
    with (
        pytest.raises(TaskInterrupted, match="its thread has ended"),
        one.diagnosed(),
        running(one, spec(Role.BUILD)) as build,
    ):
        assert inner.container(build).ended.wait(10)
        raise BuildFailed("error building package")
    assert died.wait(10)


def test_what_was_written_before_packages_came_stays_counted(inner: FakeContainerManager) -> None:
    """A build with dynamic BuildRequires has many rounds, and one limit."""
    stopped: list[str] = []
    one = watch(inner, stopped)
    one.root_will_change()
    one.root_is_complete()
    later = b"99999999999.0 "
    one.write("stdout", later + b"5000 0\n")
    one.write("stdout", later + b"5900 0\n")
    one.root_will_change()
    one.root_is_complete()
    one.write("stdout", later + b"9000 0\n")
    assert not stopped
    one.write("stdout", later + b"9101 0\n")
    assert stopped
    assert "it wrote 1001 bytes to its disk" in str(one.problem)


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
    assert "it wrote 1001 bytes to its disk" in str(one.problem)


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
    assert (expected in str(found)) if expected else not found


def test_the_watch_may_read_what_is_written_and_nothing_else() -> None:
    made = watch_spec(
        image="task:1", upper="/storage/x/diff", labels={"a": "b"}, limits=TaskLimits(build_inodes=5)
    )
    assert made.command[-3:] == ("/upper", "0", "5")
    (mount,) = made.mounts
    assert (mount.source, mount.target, mount.read_only) == ("/storage/x/diff", "/upper", True)
    assert (made.network, made.capabilities) == ("none", frozenset({"DAC_READ_SEARCH"}))
