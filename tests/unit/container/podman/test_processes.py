"""Processes of containers, by their control group: killed without the engine, and no others."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from koji_adjutant.container.podman.processes import (
    ContainerProcess,
    container_processes,
    kill_processes,
    removed_but_open,
)

OURS, OTHER = "ab" * 32, "cd" * 32
KILLED = -9
MakeProcess = Callable[[str], "subprocess.Popen[bytes]"]


@pytest.fixture
def process(tmp_path: Path) -> Iterator[MakeProcess]:
    """A process that lives, of which `tmp_path` tells a control group."""
    with ExitStack() as undo:

        def make(group: str) -> "subprocess.Popen[bytes]":
            made = undo.enter_context(subprocess.Popen(["sleep", "60"]))
            undo.callback(made.kill)
            entry = tmp_path / str(made.pid)
            entry.mkdir()
            (entry / "cgroup").write_text(f"9:name=systemd:{group}\n0::{group}\n")
            return made

        yield make


def test_all_of_a_container_and_nothing_else(process: MakeProcess, tmp_path: Path) -> None:
    ours = [
        process(f"/libpod_parent/libpod-{OURS}"),
        process(f"/machine.slice/libpod-{OURS}.scope/container/below"),
    ]
    others = [
        process(f"/libpod_parent/libpod-{OTHER}"),
        process(f"/libpod_parent/libpod-conmon-{OURS}"),
        process("/user.slice"),
    ]
    assert kill_processes([OURS], tmp_path) == {OURS}
    assert [one.wait(10) for one in ours] == [KILLED, KILLED]
    assert [one.poll() for one in others] == [None, None, None]


def test_of_no_container_nothing_is_looked_for(tmp_path: Path) -> None:
    assert kill_processes([], tmp_path / "is not there") == frozenset()
    assert kill_processes([OURS], tmp_path) == frozenset()


def test_a_pid_that_has_become_another_s(process: MakeProcess, tmp_path: Path) -> None:
    made = process(f"/libpod_parent/libpod-{OURS}")
    (found,) = container_processes(tmp_path)
    assert found == ContainerProcess(pid=made.pid, container=OURS)
    (tmp_path / str(made.pid) / "cgroup").write_text("0::/user.slice\n")
    assert not found.kill(tmp_path)
    assert made.poll() is None


def test_what_was_removed_and_is_still_open(tmp_path: Path) -> None:
    container = "c" * 64
    process = tmp_path / "proc" / "7"
    (process / "map_files").mkdir(parents=True)
    (process / "cgroup").write_text(f"0::/libpod-{container}/container\n")
    (process / "root").symlink_to(tmp_path)
    (process / "fd").symlink_to("/proc/self/fd")
    with (tmp_path / "hidden").open("wb") as hidden, (tmp_path / "seen").open("wb") as seen:
        for file in (hidden, seen):
            file.write(bytes(1 << 20))
            file.flush()
        os.fsync(hidden.fileno())
        memory, twice = os.memfd_create("shared"), os.dup(hidden.fileno())
        os.write(memory, bytes(1 << 20))
        # Whoever runs the tests may have such files, too.
        before = removed_but_open(container, tmp_path / "proc")
        (tmp_path / "hidden").unlink()
        assert 1 << 20 <= removed_but_open(container, tmp_path / "proc") - before < 2 << 20
        assert removed_but_open("d" * 64, tmp_path / "proc") == 0
        for descriptor in (memory, twice):
            os.close(descriptor)
