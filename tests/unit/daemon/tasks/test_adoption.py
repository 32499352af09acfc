"""Task processes of an earlier main process."""

import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from koji_adjutant.daemon.tasks import adoption
from koji_adjutant.daemon.tasks.processes import wait_for_all
from koji_adjutant.daemon.tasks.state import StateDirectory
from koji_adjutant.host.files import boot_id
from koji_adjutant.host.processes import start_time
from koji_adjutant.journal.state import TaskState, UnreadableState

PATIENCE = 20.0


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as made:
        yield made
        made.kill()


def state_of(process: "subprocess.Popen[bytes]") -> TaskState:
    return TaskState(
        task=7,
        method="build",
        pid=process.pid,
        start_time=start_time(process.pid) or 0,
        workdir="/w",
        boot_id=boot_id(),
    )


def nobodys_child() -> int:
    """The pid of a process whose parent has ended."""
    script = "sleep 600 >/dev/null 2>&1 & echo $!"
    done = subprocess.run(["setsid", "sh", "-c", script], capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_it_is_held(process: "subprocess.Popen[bytes]") -> None:
    adopted = adoption.adopt(state_of(process))
    assert adopted
    child = adopted.child
    assert not child.has_ended()
    child.kill()
    assert wait_for_all([child], PATIENCE)
    assert child.reap() == -signal.SIGKILL


def test_the_exit_code_of_nobodys_child_is_not_known() -> None:
    pid = nobodys_child()
    known = TaskState(
        task=7, method="", pid=pid, start_time=start_time(pid) or 0, workdir="/w", boot_id=boot_id()
    )
    adopted = adoption.adopt(known)
    assert adopted
    child = adopted.child
    child.signal(signal.SIGTERM)
    assert wait_for_all([child], PATIENCE)
    child.kill()
    assert child.reap() is None
    assert adoption.adopt(known) is None


@pytest.mark.parametrize("change", [{"boot_id": "another"}, {"start_time": 1}])
def test_another_with_its_pid_is_not_adopted(
    process: "subprocess.Popen[bytes]", change: dict[str, object]
) -> None:
    known = replace(state_of(process), **change)  # type: ignore[arg-type]
    assert adoption.adopt(known) is None
    assert process.poll() is None


def test_who_changed_hands_while_it_was_opened_is_not_adopted(
    process: "subprocess.Popen[bytes]", monkeypatch: pytest.MonkeyPatch
) -> None:
    known = state_of(process)
    answers = iter([True, False])
    monkeypatch.setattr(TaskState, "is_alive", lambda _: next(answers))
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert adoption.adopt(known) is None
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_who_is_not_understood_is_ended(
    state: StateDirectory, process: "subprocess.Popen[bytes]", caplog: pytest.LogCaptureFixture
) -> None:
    own = state_of(process)
    unreadable = UnreadableState(
        task=7, pid=own.pid, start_time=own.start_time, boot_id=own.boot_id, problem="version 99"
    )
    adoption.end_unreadable(state, unreadable, "/w/7")
    assert start_time(own.pid) is None
    found = state.find(7)
    assert found is not None
    assert (found.workdir, found.is_alive()) == ("/w/7", False)
    assert list(state.all()) == [found]
    assert "version 99" in caplog.text


def test_who_does_not_say_who_it_is(state: StateDirectory) -> None:
    adoption.end_unreadable(state, UnreadableState(task=7, problem="cut short"), "/w/7")
    found = state.find(7)
    assert found is not None
    assert not found.is_alive()


def test_all_end(state: StateDirectory, process: "subprocess.Popen[bytes]") -> None:
    state.save(state_of(process))
    adoption.end_all(state, PATIENCE)
    assert start_time(process.pid) is None
