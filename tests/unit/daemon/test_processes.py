"""Children of the main process."""

import os
import signal
import time
from pathlib import Path

import pytest

from koji_adjutant.daemon.processes import (
    before_the_end,
    end_if_told,
    fork,
    kill_group,
    stop_all,
    wait_for_all,
)
from koji_adjutant.daemon.state import start_time

PATIENCE = 20.0


def nothing() -> None:
    """What a child does first."""


def sleep_long() -> int:
    time.sleep(PATIENCE * 2)
    return 0


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
            return sleep_long()
        finally:
            (tmp_path / "cleaned-up").touch()

    child = fork("a child", run, at_start=nothing)
    while not (tmp_path / "runs").exists():
        time.sleep(0.01)
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
                return sleep_long()
            finally:
                os.close(-1)
        except OSError:
            end_if_told()
            (tmp_path / "goes-on").touch()
            return 0

    child = fork("a child", run, at_start=nothing)
    while not (tmp_path / "runs").exists():
        time.sleep(0.01)
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
            return sleep_long()
        finally:
            note("unwinds")

    child = fork("a child", run, at_start=nothing)
    while not (tmp_path / "runs").exists():
        time.sleep(0.01)
    stop_all([child], PATIENCE)
    assert order.read_text().split() == ["told", "unwinds"]


def test_who_does_not_end_is_killed() -> None:
    def run() -> int:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        return sleep_long()

    child = fork("a child", run, at_start=nothing)
    stop_all([child], 0.1)
    with pytest.raises(ProcessLookupError):
        os.kill(child.pid, 0)


def test_a_signal_shows_in_the_exit_code() -> None:
    child = fork("a child", sleep_long, at_start=nothing)
    child.kill()
    assert wait_for_all([child], PATIENCE)
    assert child.reap() == -signal.SIGKILL


def test_its_children_are_killed_with_it(tmp_path: Path) -> None:
    def run() -> int:
        grandchild = os.posix_spawn("/bin/sleep", ["sleep", "60"], {})
        (tmp_path / "pid.new").write_text(str(grandchild))
        (tmp_path / "pid.new").rename(tmp_path / "pid")
        return sleep_long()

    child = fork("a child", run, at_start=nothing)
    while not (tmp_path / "pid").exists():
        time.sleep(0.01)
    kill_group(child.pid)
    child.reap()
    grandchild = Path(f"/proc/{(tmp_path / 'pid').read_text()}/stat")
    deadline = time.monotonic() + PATIENCE
    while grandchild.exists() and grandchild.read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_wake_up_before_the_wait_is_kept() -> None:
    def run() -> int:
        os.kill(os.getpid(), signal.SIGUSR2)
        time.sleep(0.05)
        return 5 if signal.sigwait({signal.SIGUSR2}) == signal.SIGUSR2 else 1

    child = fork("a child", run, at_start=nothing)
    assert wait_for_all([child], PATIENCE)
    assert child.reap() == 5


def test_waiting_has_a_limit() -> None:
    child = fork("a child", sleep_long, at_start=nothing)
    assert not wait_for_all([child], 0.05)
    stop_all([child], 0.0)


def test_a_helper_ends_with_its_parent_and_a_task_does_not(tmp_path: Path) -> None:
    def parent() -> int:
        helper = fork("a helper", sleep_long, at_start=nothing)
        task = fork("a task", sleep_long, at_start=nothing, outlives_us=True)
        (tmp_path / "pids.new").write_text(f"{helper.pid} {task.pid}")
        (tmp_path / "pids.new").rename(tmp_path / "pids")
        return sleep_long()

    child = fork("a main process", parent, at_start=nothing, outlives_us=True)
    while not (tmp_path / "pids").exists():
        time.sleep(0.01)
    helper, task = (int(pid) for pid in (tmp_path / "pids").read_text().split())
    deadline = time.monotonic() + PATIENCE
    while os.getsid(task) != task:
        # Its first step, which the parent does not wait for.
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGKILL)
    child.reap()
    deadline = time.monotonic() + PATIENCE
    while start_time(helper) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert start_time(task) is not None
    kill_group(task)
