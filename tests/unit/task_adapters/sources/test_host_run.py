"""A command on this host: its output, its exit code, and that nothing of it is left."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from koji_adjutant.container.interface import Stream
from koji_adjutant.errors import TaskTimeout
from koji_adjutant.task_adapters.sources.host_run import run_on_host
from tests.waiting import eventually

ENVIRONMENT = {"PATH": os.environ["PATH"], "OWN": "value"}


class Output:
    """What was said on each stream."""

    def __init__(self, error: Exception | None = None) -> None:
        self.said: dict[str, bytes] = {"stdout": b"", "stderr": b""}
        self._error = error

    def write(self, stream: Stream, data: bytes) -> None:
        if self._error:
            raise self._error
        self.said[stream] += data


def run(script: str, output: Output, directory: Path, *, timeout: float = 60.0) -> int:
    command = ("/bin/bash", "-c", script)
    return run_on_host(command, output, environment=ENVIRONMENT, directory=directory, timeout=timeout)


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]


def pid_in(file: Path) -> int:
    eventually(lambda: file.exists() and file.read_text().endswith("\n"), "the command runs")
    return int(file.read_text())


def test_streams_environment_and_exit_code(tmp_path: Path) -> None:
    output = Output()
    assert run("echo out $OWN; echo err >&2; pwd; cat; exit 7", output, tmp_path) == 7
    assert output.said == {"stdout": f"out value\n{tmp_path}\n".encode(), "stderr": b"err\n"}


def test_much_output_comes_whole(tmp_path: Path) -> None:
    output = Output()
    assert run("head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2", output, tmp_path) == 0
    assert [len(data) for data in output.said.values()] == [3000000, 3000000]


def test_after_its_time_all_of_it_ends(tmp_path: Path) -> None:
    with pytest.raises(TaskTimeout, match=r"/bin/bash ran longer than 0\.5 s"):
        run(f"sleep 1000 & echo $! >{tmp_path}/pid; wait", Output(), tmp_path, timeout=0.5)
    eventually(lambda: not is_alive(pid_in(tmp_path / "pid")), "the command ends")


def test_who_takes_no_output_ends_it(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        run(f"sleep 1000 & echo $! >{tmp_path}/pid; echo; wait", Output(KeyError("x")), tmp_path)
    eventually(lambda: not is_alive(pid_in(tmp_path / "pid")), "the command ends")


def test_it_ends_with_this_process_however_that_ends(tmp_path: Path) -> None:
    program = (
        "from pathlib import Path\n"
        "from koji_adjutant.task_adapters.sources.host_run import run_on_host\n"
        "from koji_adjutant.container.programs import NullSink\n"
        f"script = 'sleep 1000 & echo $! >{tmp_path}/pid; wait'\n"
        "run_on_host(['/bin/bash', '-c', script], NullSink(), environment={'PATH': '/usr/bin:/bin'},"
        f" directory=Path({str(tmp_path)!r}), timeout=900)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program]) as ours:
        pid = pid_in(tmp_path / "pid")
        assert is_alive(pid)
        ours.kill()
    eventually(lambda: not is_alive(pid), "the command ends with us")
