"""The state directory."""

import errno
import json
import os
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from koji_adjutant.daemon.tasks import state as module
from koji_adjutant.daemon.tasks.state import StateDirectory, TaskJournal
from koji_adjutant.errors import ConfigError, DiskFull
from koji_adjutant.journal.phases import HostEvent, NullJournal, Phase
from koji_adjutant.journal.state import UnreadableState


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_ours_alone(state: StateDirectory) -> None:
    state.begin(7, "build", "/work/7")
    state.worker()
    assert mode(state.path) == 0o700
    assert mode(state.path / "tasks") == 0o700
    assert [mode(path) for path in sorted(state.path.rglob("*")) if path.is_file()] == [0o600] * 4


def lock_elsewhere(path: Path) -> str:
    code = (
        "import sys; from pathlib import Path; from koji_adjutant.daemon.tasks.state import StateDirectory\n"
        "from koji_adjutant.errors import ConfigError\n"
        "try: StateDirectory(Path(sys.argv[1])).lock()\n"
        "except ConfigError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True, cwd=Path.cwd()
    )
    return done.stdout


def test_one_daemon_a_directory(state: StateDirectory) -> None:
    assert f"state_dir {state.path}: another daemon uses it" in lock_elsewhere(state.path)


def test_a_child_that_lives_on_does_not_hold_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "state"
    reading, writing = os.pipe()
    daemon = os.fork()
    if daemon == 0:
        StateDirectory(path).lock()
        child = os.fork()
        if child == 0:
            os.close(writing)
            os.read(reading, 1)
        os._exit(0)
    os.close(reading)
    os.waitpid(daemon, 0)
    try:
        assert lock_elsewhere(path) == ""
    finally:
        os.close(writing)


def test_a_directory_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"state_dir .*/file/state: Not a directory"):
        StateDirectory(tmp_path / "file" / "state").lock()


def test_a_disk_that_is_full_is_no_mistake(state: StateDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose exit code would keep the daemon from being started when there is room again."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "_write", full)
    with pytest.raises(
        DiskFull, match=r"state_dir .*: No space left on device; make room there, or set state_dir"
    ):
        state.lock()


def test_a_worker_keeps_its_name(state: StateDirectory, tmp_path: Path) -> None:
    name = state.worker()
    assert StateDirectory(state.path).worker() == name
    other = StateDirectory(tmp_path / "other")
    other.lock()
    assert other.worker() != name
    other.unlock()


def test_a_task_process_is_known_until_it_ends(state: StateDirectory) -> None:
    state.begin(7, "build", "/work/7")
    found = state.find(7)
    assert found is not None
    assert (found.task, found.method, found.pid, found.workdir) == (7, "build", os.getpid(), "/work/7")
    assert found.is_alive()
    assert [one.task for one in state.tasks()] == [7]
    state.end(7)
    assert state.find(7) is None
    assert list(state.tasks()) == []


UNKNOWN = ("{", "[]", "null", json.dumps({"version": 2, "containers": []}), json.dumps({"version": 99}))


@pytest.mark.parametrize("content", UNKNOWN)
def test_a_file_that_is_not_understood_is_nobodys(state: StateDirectory, content: str) -> None:
    (state.path / "tasks" / "9.json").write_text(content)
    assert state.find(9) is None
    assert state.knows(9)
    assert list(state.tasks()) == []
    (found,) = state.all()
    assert isinstance(found, UnreadableState)
    assert (found.task, found.pid, found.is_alive()) == (9, 0, False)
    state.end(9)
    assert not state.knows(9)


def test_the_writer_of_an_unknown_version_is_known(state: StateDirectory) -> None:
    state.begin(9, "build", "/w")
    file = state.path / "tasks" / "9.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "version": 3, "from": "the future"}))
    (found,) = state.all()
    assert isinstance(found, UnreadableState)
    assert (found.pid, found.is_alive()) == (os.getpid(), True)
    assert "version 3" in found.problem


def test_the_version_before_is_read(state: StateDirectory) -> None:
    own = state.begin(7, "build", "/w", session=12)
    file = state.path / "tasks" / "7.json"
    before = {key: value for key, value in json.loads(file.read_text()).items() if key != "session"}
    file.write_text(json.dumps({**before, "version": 1}))
    assert state.find(7) == replace(own, version=1, session=0)


@pytest.mark.parametrize("age", [-3600.0, 0.0, 3600.0])
def test_files_that_were_being_written_go_whatever_the_clock_says(state: StateDirectory, age: float) -> None:
    child = os.posix_spawn("/bin/true", ["true"], {})
    os.waitpid(child, 0)
    tasks = state.path / "tasks"
    left = [state.path / f".new-{child}-a", tasks / f".new-{child}-b", tasks / ".new-c"]
    over, written = state.file(7, "session"), tasks / f".new-{os.getpid()}-d"
    for file in (*left, over, written):
        file.touch()
        os.utime(file, (time.time() - age, time.time() - age))
    state.begin(8, "build", "/w")
    state.file(8, "session").touch()
    state.remove_partial()
    assert not [file for file in (*left, over) if file.exists()]
    assert written.exists()
    assert state.file(8, "session").exists()


def test_who_has_the_lock_is_known(state: StateDirectory) -> None:
    assert state.has_main()
    file = state.path / "main"
    file.write_text(json.dumps({**json.loads(file.read_text()), "start_time": 1}))
    assert not state.has_main()
    file.unlink()
    assert not state.has_main()


def test_events_are_kept_with_the_task(state: StateDirectory) -> None:
    journal = TaskJournal(NullJournal(), state, state.begin(7, "build", "/w"))
    journal.record(Phase.CONTAINER_CREATED, task=7, container="c1")
    journal.record(Phase.CONTAINER_CREATED, task=7, container="c2")
    journal.record(Phase.CONTAINER_REMOVED, task=7, container="c1")
    journal.record(Phase.RPMBUILD_STARTED, task=7)
    journal.record(HostEvent.IMAGE_REQUESTED, task=7)
    found = state.find(7)
    assert found is not None
    assert (found.containers, found.phase) == (("c2",), "rpmbuild-started")


def test_a_state_that_cannot_be_written_harms_no_task(
    state: StateDirectory, caplog: pytest.LogCaptureFixture
) -> None:
    journal = TaskJournal(NullJournal(), state, state.begin(7, "build", "/w"))
    state.end(7)
    (state.path / "tasks").rmdir()
    journal.record(Phase.SOLVED, task=7)
    assert "state of task 7 not written" in caplog.text


def test_threads_of_a_task_may_report_at_once(
    state: StateDirectory, caplog: pytest.LogCaptureFixture
) -> None:
    journal = TaskJournal(NullJournal(), state, state.begin(7, "build", "/w"))

    def report(number: int) -> None:
        for event in range(50):
            journal.record(Phase.CONTAINER_CREATED, task=7, container=f"{number}.{event}")

    with ThreadPoolExecutor(max_workers=4) as threads:
        for done in [threads.submit(report, number) for number in range(4)]:
            done.result()
    found = state.find(7)
    assert found is not None
    assert len(set(found.containers)) == 200
    assert caplog.text == ""
