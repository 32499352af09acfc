"""What tells one process from every other."""

import os
import subprocess

from koji_adjutant.host.processes import pid_namespace, start_time


def test_it_stays_the_same_and_is_nobody_elses() -> None:
    own = start_time(os.getpid())
    assert own is not None
    assert start_time(os.getpid()) == own
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as other:
        found = start_time(other.pid)
        assert found is not None
        assert found >= own


def test_a_process_that_is_dead_has_none() -> None:
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert start_time(child.pid) is None, "a zombie"
    child.wait()
    assert start_time(child.pid) is None


def test_a_name_with_brackets_and_spaces_hides_nothing() -> None:
    """The kernel puts the command's name between the pid and the fields, whatever is in it."""
    rename = (
        "import ctypes, sys; ctypes.CDLL(None).prctl(15, b') R 1 1 1'); print(flush=True); sys.stdin.read()"
    )
    argv = ["python3", "-c", rename]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout
        assert other.stdout.readline()
        found, own = start_time(other.pid), start_time(os.getpid())
        assert found is not None
        assert own is not None
        assert found >= own


def test_the_namespace_is_that_of_our_pids() -> None:
    assert pid_namespace().startswith("pid:[")
