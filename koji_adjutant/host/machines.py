"""Machines: what a build for an architecture sees as its own, and whether this machine can be it.

The machine's own architecture needs no proof. Whether others run is tried once by each daemon, in a helper process, and
kept in the state directory until the next start: an interpreter that is registered later is seen then.
"""

import errno
import json
import logging
import os
import platform
import signal
import struct
import subprocess
from collections.abc import Container, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import koji

from koji_adjutant.host.files import PARTIAL, replace_json

LINUX32 = "linux32"
PERSONALITIES: Mapping[str, str] = {
    "i386": "i686",
    "arm": LINUX32,
    "armhfp": LINUX32,
    "ppc": LINUX32,
    "s390": LINUX32,
}
"""What setarch makes of a machine of 64 bits, by canonical architecture."""
LOAD_ADDRESS = 0x400000
TRIAL_SECONDS = 10.0
_WRONG_CODE = frozenset({signal.SIGILL, signal.SIGSEGV, signal.SIGBUS, signal.SIGTRAP})
"""How a program ends that was taken for another machine's; other signals come from elsewhere."""
TRIED = "machines"
"""The file of the state directory that has the result of the trial."""

logger = logging.getLogger("koji.adjutant.host")


@dataclass(frozen=True, kw_only=True)
class Program:
    """The smallest program for an architecture: it ends with status 0."""

    machine: int
    """The architecture's number in the header of an executable (e_machine)."""
    code: str
    bits: int = 64
    order: str = "<"
    flags: int = 0
    """e_flags of the executable: which calling convention the program keeps."""

    def image(self) -> bytes:
        """The whole executable, in one segment."""
        words = "QQQ" if self.bits == 64 else "III"  # noqa: PLR2004 - bits of a word
        header_size, segment_size = (64, 56) if self.bits == 64 else (52, 32)  # noqa: PLR2004
        code = bytes.fromhex(self.code)
        start = header_size + segment_size
        size = start + len(code)
        kinds = bytes([0x7F, *b"ELF", self.bits // 32, 1 if self.order == "<" else 2, 1, *(9 * b"\0")])
        fixed = (2, self.machine, 1, LOAD_ADDRESS + start, header_size, 0, self.flags)
        sizes = (header_size, segment_size, 1, 0, 0, 0)
        header = struct.pack(f"{self.order}HHI{words}I6H", *fixed, *sizes)
        if self.bits == 64:  # noqa: PLR2004
            row = (1, 5, 0, LOAD_ADDRESS, LOAD_ADDRESS, size, size, 0x1000)
            segment = struct.pack(f"{self.order}II6Q", *row)
        else:
            segment = struct.pack(f"{self.order}8I", 1, 0, LOAD_ADDRESS, LOAD_ADDRESS, size, size, 5, 0x1000)
        return kinds + header + segment + code


_ARM = Program(machine=40, code="0170a0e30000a0e3000000ef", bits=32, flags=0x05000000)
PROGRAMS: Mapping[str, Program] = {
    "x86_64": Program(machine=62, code="b83c00000031ff0f05"),
    "i386": Program(machine=3, code="b80100000031dbcd80", bits=32),
    "aarch64": Program(machine=183, code="a80b80d2000080d2010000d4"),
    "armhfp": _ARM,
    "arm": _ARM,
    "ppc64le": Program(machine=21, code="010000380000603802000044", flags=2),
    "riscv64": Program(machine=243, code="9308d0051305000073000000"),
    "s390x": Program(machine=22, code="a72900000a01", order=">"),
}


def personality(arch: str) -> str:
    """What setarch is to make of this machine for builds of `arch`; empty when it is right as it is."""
    return PERSONALITIES.get(koji.canonArch(arch), "")


def can_run(arch: str, impossible: Container[str]) -> bool:
    """Whether programs for `arch` run here, by themselves or through a registered interpreter, as far as is known.

    `impossible` are the canonical architectures of which a trial has shown that they do not.
    """
    canonical = koji.canonArch(arch)
    return canonical in {"noarch", koji.canonArch(platform.machine())} or canonical not in impossible


def runs_here(arch: str, directory: Path) -> bool:
    """Try it: whether a program for `arch` does not certainly fail. The program is written to `directory`."""
    canonical = koji.canonArch(arch)
    program = PROGRAMS.get(canonical)
    return canonical == koji.canonArch(platform.machine()) or not program or _may_run(program, directory)


def impossible_machines(state_dir: Path) -> frozenset[str]:
    """Canonical architectures that cannot run here, as the last trial has found; none where there was no trial."""
    try:
        return frozenset(json.loads((state_dir / TRIED).read_text())["impossible"])
    except (OSError, ValueError, TypeError, KeyError):
        return frozenset()


def forget_trial(state_dir: Path) -> None:
    """Remove what the last trial has found: an interpreter may have been registered since."""
    with suppress(OSError):
        (state_dir / TRIED).unlink(missing_ok=True)


def try_machines(state_dir: Path) -> None:
    """Run the program of each foreign architecture, and write down which do not run."""
    native = koji.canonArch(platform.machine())
    impossible = [
        arch for arch, program in PROGRAMS.items() if arch != native and not _may_run(program, state_dir)
    ]
    logger.info("Programs that this machine cannot run: %s", " ".join(impossible) or "none that are known")
    try:
        replace_json(state_dir / TRIED, {"version": 1, "impossible": impossible})
    except OSError as error:
        logger.warning("Which programs this machine runs is not written down: %s", error)


def _may_run(program: Program, directory: Path) -> bool:
    """Whether a program does not certainly fail: where the trial itself is prevented, nothing is known.

    A file of memory would do, but a host may have those made without permission to run (vm.memfd_noexec).
    """
    # Named as what is written and not yet renamed: when this process is killed, the next start removes it.
    file = directory / f"{PARTIAL}{os.getpid()}-trial"
    try:
        file.write_bytes(program.image())
        file.chmod(0o700)
        done = subprocess.run([file], stdin=subprocess.DEVNULL, timeout=TRIAL_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as problem:
        # No rights, a directory that programs are not run from, an interpreter that is missing: not the kernel's no.
        return not (isinstance(problem, OSError) and problem.errno == errno.ENOEXEC)
    finally:
        with suppress(OSError):
            file.unlink()
    return done.returncode <= 0 and -done.returncode not in _WRONG_CODE
