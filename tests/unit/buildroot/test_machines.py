"""Which machine a build sees, and what this one can run; the smallest program of each architecture is really run."""

import platform
import subprocess
from pathlib import Path

import koji
import pytest

from koji_adjutant.buildroot.machines import PROGRAMS, can_run, personality


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


def test_this_machine_runs_its_own_programs_and_what_has_none() -> None:
    assert can_run(platform.machine())
    assert can_run("noarch")


def test_what_the_kernel_does_not_take_cannot_run(tmp_path: Path) -> None:
    """The kernel is asked in another way: by running the same program from a file."""
    for arch, program in PROGRAMS.items():
        path = tmp_path / arch
        path.write_bytes(program.image())
        path.chmod(0o755)
        try:
            status = subprocess.run([path], check=False).returncode
        except OSError:
            status = -1
        assert can_run(arch) == (status == 0), arch


def test_an_architecture_without_a_program_is_known_by_the_machines_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "mips64")
    assert can_run("mips64")
    assert not can_run("sparc64")


def test_programs_are_what_their_header_says(tmp_path: Path) -> None:
    for arch, program in PROGRAMS.items():
        path = tmp_path / arch
        path.write_bytes(program.image())
        said = subprocess.run(["readelf", "-hl", path], capture_output=True, text=True, check=True).stdout
        assert f"ELF{program.bits}" in said
        assert "big endian" in said if program.order == ">" else "little endian" in said
        assert "R E" in said
        assert koji.canonArch(arch) == arch
