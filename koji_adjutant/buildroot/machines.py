"""Machines: what a build for an architecture sees as its own, and whether this machine can be it.

Nothing is kept between calls: an interpreter for a foreign architecture may be registered at any time.
"""

import os
import platform
import struct
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

import koji

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


@dataclass(frozen=True, kw_only=True)
class Program:
    """The smallest program for an architecture: it ends with status 0."""

    machine: int
    """Its number in the header of an executable."""
    code: str
    bits: int = 64
    order: str = "<"
    flags: int = 0
    """Which of its calling conventions it keeps."""

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


def can_run(arch: str) -> bool:
    """Whether programs for `arch` run here, by themselves or through a registered interpreter: one is tried.

    Of an architecture without a program here only the machine's own name is known.
    """
    canonical = koji.canonArch(arch)
    if canonical == "noarch":
        return True
    program = PROGRAMS.get(canonical)
    return _ends_well(program.image()) if program else canonical == koji.canonArch(platform.machine())


def _ends_well(image: bytes) -> bool:
    descriptor = os.memfd_create("trial")
    try:
        os.write(descriptor, image)
        # A file that is open for writing cannot be run.
        with open(f"/proc/self/fd/{descriptor}", "rb") as program:  # noqa: PTH123
            os.close(descriptor)
            descriptor = -1
            path = f"/proc/self/fd/{program.fileno()}"
            done = subprocess.run([path], pass_fds=[program.fileno()], timeout=TRIAL_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    finally:
        if descriptor >= 0:
            os.close(descriptor)
    return done.returncode == 0
