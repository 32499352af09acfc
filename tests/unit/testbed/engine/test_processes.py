"""Processes known by pid and start time."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from koji_adjutant.host.processes import start_time
from koji_adjutant.testbed.engine.processes import (
    Process,
    command_line,
    engine_tools,
    mounts_below,
    process,
)
from tests.waiting import PATIENCE, eventually


class Sleeper(subprocess.Popen[bytes]):
    """A process that does nothing, and is gone when its context is left, whatever happened there."""

    def __init__(self, **options: Any) -> None:
        super().__init__(["sleep", "600"], **options)
        # Its arguments are to be seen a moment after it has begun.
        eventually(lambda: command_line(self.pid) == "sleep 600", "it sleeps")

    def __exit__(self, *raised: object) -> None:
        self.kill()
        super().__exit__(None, None, None)


DEAF = "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(600)"


def test_it_ends_and_is_dead() -> None:
    with Sleeper() as child:
        found = process(child.pid)
        assert found
        assert found.alive()
        assert found.end(PATIENCE)
        assert not found.alive(), "a zombie is none"
    assert child.returncode == -signal.SIGTERM
    assert process(child.pid) is None
    assert command_line(child.pid) == ""


def test_who_does_not_listen_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", DEAF], stdout=subprocess.PIPE) as child:
        assert child.stdout
        child.stdout.readline()
        found = process(child.pid)
        assert found
        assert found.end(0.1)
    assert child.returncode == -signal.SIGKILL


def test_a_number_that_another_has_now_is_left_alone() -> None:
    with Sleeper() as child:
        another = Process(pid=child.pid, started=(start_time(child.pid) or 0) - 1)
        assert not another.alive()
        assert another.end(0.1)
        assert child.poll() is None


def test_other_programs_are_no_tools_of_an_engine(tmp_path: Path) -> None:
    with Sleeper(cwd=tmp_path) as other:
        assert str(tmp_path) not in command_line(other.pid)
        assert other.pid not in {found.pid for found in engine_tools("600")}


def test_mounts_are_those_below_a_directory() -> None:
    assert "/proc" not in mounts_below(Path("/proc"))
    assert all(point.startswith("/dev/") for point in mounts_below(Path("/dev")))
