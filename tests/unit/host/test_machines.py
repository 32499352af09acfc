"""Which machine a build sees, and what this one can run; the smallest program of each architecture is really run."""

import errno
import os
import platform
import signal
import subprocess
from pathlib import Path

import koji
import pytest

from koji_adjutant.host.machines import (
    PROGRAMS,
    can_run,
    forget_trial,
    impossible_machines,
    personality,
    runs_here,
    try_machines,
)


@pytest.mark.parametrize(
    ("arch", "expected"),
    [
        ("x86_64", ""),
        ("noarch", ""),
        ("i686", "i686"),
        ("i386", "i686"),
        ("armv7hl", "linux32"),
        ("aarch64", ""),
    ],
)
def test_personality(arch: str, expected: str) -> None:
    assert personality(arch) == expected


def test_this_machine_runs_its_own_programs_and_what_is_not_known() -> None:
    assert can_run(platform.machine(), set(PROGRAMS))
    assert can_run("noarch", set(PROGRAMS))
    assert can_run("mips64", set())
    assert can_run("s390x", set())
    assert not can_run("s390x", {"s390x"})
    assert not can_run("i686", {"i386"} - {koji.canonArch(platform.machine())})


def test_what_the_kernel_does_not_take_cannot_run(tmp_path: Path) -> None:
    """The kernel is asked in another way: by a file of memory."""
    assert impossible_machines(tmp_path) == frozenset()
    try_machines(tmp_path)
    found = impossible_machines(tmp_path)
    for arch, program in PROGRAMS.items():
        if arch != koji.canonArch(platform.machine()):
            assert (arch in found) == (not runs_from_memory(program.image())), arch
    assert [path.name for path in tmp_path.iterdir()] == ["machines"]
    forget_trial(tmp_path)
    assert impossible_machines(tmp_path) == frozenset()


def runs_from_memory(image: bytes) -> bool:
    descriptor = os.memfd_create("trial")
    os.write(descriptor, image)
    with open(f"/proc/self/fd/{descriptor}", "rb") as program:  # noqa: PTH123 - one that is not open for writing
        os.close(descriptor)
        path = f"/proc/self/fd/{program.fileno()}"
        try:
            return subprocess.run([path], pass_fds=[program.fileno()], check=False).returncode == 0
        except OSError:
            return False


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOMEM])
def test_a_trial_that_is_prevented_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """From a directory without permission to run, say, or without its interpreter."""

    def refuse(*_args: object, **_options: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(subprocess, "run", refuse)
    try_machines(tmp_path)
    assert impossible_machines(tmp_path) == frozenset()


def test_no_trial_without_a_place_for_it(tmp_path: Path) -> None:
    try_machines(tmp_path / "missing")
    assert impossible_machines(tmp_path / "missing") == frozenset()


@pytest.mark.parametrize(
    ("status", "known"),
    [(0, False), (-signal.SIGSYS, False), (-signal.SIGKILL, False), (1, True), (-signal.SIGILL, True)],
)
def test_how_a_program_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, known: bool
) -> None:
    ended: subprocess.CompletedProcess[bytes] = subprocess.CompletedProcess([], status)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: ended)
    try_machines(tmp_path)
    assert bool(impossible_machines(tmp_path)) is known


def test_programs_are_what_their_header_says(tmp_path: Path) -> None:
    for arch, program in PROGRAMS.items():
        path = tmp_path / arch
        path.write_bytes(program.image())
        said = subprocess.run(["readelf", "-hl", path], capture_output=True, text=True, check=True).stdout
        assert f"ELF{program.bits}" in said
        assert "big endian" in said if program.order == ">" else "little endian" in said
        assert "R E" in said
        assert koji.canonArch(arch) == arch


def test_what_needs_no_trial_is_not_tried(tmp_path: Path) -> None:
    assert runs_here(platform.machine(), tmp_path)
    assert runs_here("noarch", tmp_path)
    assert not list(tmp_path.iterdir())
