"""Children of the main process."""

import errno
import os
import signal
import time
from pathlib import Path

import pytest

from koji_adjutant.daemon.tasks.processes import (
    Child,
    before_the_end,
    end_if_told,
    fork,
    kill_group,
    stop_all,
    wait_for_all,
)
from koji_adjutant.host.processes import start_time
from tests.processes import is_alive, open_descriptors
from tests.waiting import eventually, for_ever

PATIENCE = 20.0


def nothing() -> None:
    """What a child does first."""


def test_the_exit_code() -> None:
    child = fork("a child", lambda: 3, at_start=nothing)
    assert wait_for_all([child], PATIENCE)
    assert child.has_ended()
    assert child.reap() == 3


def test_an_error_is_logged_and_ends_the_child_only() -> None:
    child = fork("a child", lambda: 1 // 0, at_start=nothing)
    assert wait_for_all([child], PATIENCE)
    assert child.reap() == 1


def test_sigterm_unwinds_the_stack(tmp_path: Path) -> None:
    def run() -> int:
        try:
            (tmp_path / "runs").touch()
            return for_ever()
        finally:
            (tmp_path / "cleaned-up").touch()

    child = fork("a child", run, at_start=nothing)
    eventually((tmp_path / "runs").exists)
    assert not child.has_ended()
    stop_all([child], PATIENCE)
    assert (tmp_path / "cleaned-up").exists()


def test_an_end_that_something_else_hides(tmp_path: Path) -> None:
    """As shutil.rmtree does: it closes a descriptor twice when it is broken off while it closes it."""

    def run() -> int:
        end_if_told()
        try:
            try:
                (tmp_path / "runs").touch()
                return for_ever()
            finally:
                os.close(-1)
        except OSError:
            end_if_told()
            (tmp_path / "goes-on").touch()
            return 0

    child = fork("a child", run, at_start=nothing)
    eventually((tmp_path / "runs").exists)
    child.signal(signal.SIGTERM)
    assert wait_for_all([child], PATIENCE)
    assert child.reap() == 1
    assert not (tmp_path / "goes-on").exists()


def test_what_is_to_happen_before_the_stack_unwinds(tmp_path: Path) -> None:
    order = tmp_path / "order"

    def note(what: str) -> None:
        with order.open("a") as file:
            file.write(f"{what}\n")

    def run() -> int:
        before_the_end(lambda: note("told"))
        try:
            (tmp_path / "runs").touch()
            return for_ever()
        finally:
            note("unwinds")

    child = fork("a child", run, at_start=nothing)
    eventually((tmp_path / "runs").exists)
    stop_all([child], PATIENCE)
    assert order.read_text().split() == ["told", "unwinds"]


def test_who_does_not_end_is_killed() -> None:
    def run() -> int:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        return for_ever()

    child = fork("a child", run, at_start=nothing)
    stop_all([child], 0.1)
    with pytest.raises(ProcessLookupError):
        os.kill(child.pid, 0)


def test_who_cannot_be_killed_is_left(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As in uninterruptible sleep."""
    before = open_descriptors()
    left, gone = (fork(name, for_ever, at_start=nothing) for name in ("a child", "another"))
    kill = Child.kill
    monkeypatch.setattr(Child, "kill", lambda child: None if child is left else kill(child))
    monkeypatch.setattr(Child, "signal", lambda *_: None)
    began = time.monotonic()
    stop_all([left, gone], 0.1, killed=0.3)
    assert time.monotonic() - began < PATIENCE
    assert f"a child (pid {left.pid}) cannot be killed, and is left" in caplog.text
    assert "another" not in caplog.text
    assert open_descriptors() == before
    kill_group(left.pid)
    os.waitpid(left.pid, 0)


def test_a_child_without_a_descriptor_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    before = open_descriptors()
    forked: list[int] = []

    def pidfd_open(pid: int) -> int:
        forked.append(pid)
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(os, "pidfd_open", pidfd_open)
    with pytest.raises(OSError, match="Too many open files"):
        fork("a child", for_ever, at_start=nothing)
    with pytest.raises(ChildProcessError):
        os.waitpid(forked[0], os.WNOHANG)
    assert start_time(forked[0]) is None
    assert open_descriptors() == before


def test_a_signal_shows_in_the_exit_code() -> None:
    child = fork("a child", for_ever, at_start=nothing)
    child.kill()
    assert wait_for_all([child], PATIENCE)
    assert child.reap() == -signal.SIGKILL


def test_its_children_are_killed_with_it(tmp_path: Path) -> None:
    def run() -> int:
        grandchild = os.posix_spawn("/bin/sleep", ["sleep", "60"], {})
        (tmp_path / "pid.new").write_text(str(grandchild))
        (tmp_path / "pid.new").rename(tmp_path / "pid")
        return for_ever()

    child = fork("a child", run, at_start=nothing)
    eventually((tmp_path / "pid").exists)
    kill_group(child.pid)
    child.reap()
    grandchild = int((tmp_path / "pid").read_text())
    eventually(lambda: not is_alive(grandchild), "it is killed")


def test_a_wake_up_before_the_wait_is_kept() -> None:
    def run() -> int:
        os.kill(os.getpid(), signal.SIGUSR2)
        return 5 if signal.sigwait({signal.SIGUSR2}) == signal.SIGUSR2 else 1

    child = fork("a child", run, at_start=nothing)
    assert wait_for_all([child], PATIENCE)
    assert child.reap() == 5


def test_waiting_has_a_limit() -> None:
    child = fork("a child", for_ever, at_start=nothing)
    assert not wait_for_all([child], 0.05)
    stop_all([child], 0.0)


def test_a_helper_ends_with_its_parent_and_a_task_does_not(tmp_path: Path) -> None:
    def parent() -> int:
        helper = fork("a helper", for_ever, at_start=nothing)
        task = fork("a task", for_ever, at_start=nothing, outlives_us=True)
        (tmp_path / "pids.new").write_text(f"{helper.pid} {task.pid}")
        (tmp_path / "pids.new").rename(tmp_path / "pids")
        return for_ever()

    child = fork("a main process", parent, at_start=nothing, outlives_us=True)
    eventually((tmp_path / "pids").exists)
    helper, task = (int(pid) for pid in (tmp_path / "pids").read_text().split())
    # Its first step, which the parent does not wait for.
    eventually(lambda: os.getsid(task) == task, "it has a session of its own")
    os.kill(child.pid, signal.SIGKILL)
    child.reap()
    eventually(lambda: start_time(helper) is None, "the helper ends")
    assert start_time(task) is not None
    kill_group(task)
