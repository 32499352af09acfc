"""A virtual machine without network, emulated: real systemd, and cgroup v2.

It runs from `booted` to the end of that context, whatever ends it; its disk is a file over another that is only read.
"""

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.platforms.machine.control import Control, MachineGone
from tests.platforms.machine.image import Image
from tests.platforms.part import PartFailed
from tests.waiting import eventually

MEMORY_MB = 4096
CORES = 2
PROCESSOR = "Nehalem"
"""x86-64-v2: of what is newer libraries choose instructions that cost more to emulate than they save (checksums take
twice as long)."""
BOOT_SECONDS = 1200.0
OFF_SECONDS = 600.0


@dataclass(frozen=True)
class Disk:
    """One of a machine's. With `cache` as it is, nothing is on it that QEMU has not been given time to write."""

    path: Path
    kind: str = "qcow2"
    cache: str = "unsafe"

    @property
    def option(self) -> str:
        return f"file={self.path},format={self.kind},if=virtio,cache={self.cache}"


@dataclass(frozen=True, kw_only=True)
class Machine:
    """One that runs."""

    directory: Path
    control: Control
    process: "subprocess.Popen[bytes]"

    def run(self, script: str, *, seconds: float = 600.0) -> str:
        """What a script prints, which has to succeed."""
        done = self.control.run(script, seconds=seconds)
        if done.status:
            raise PartFailed(f"{script}: status {done.status}\n{done.output}")
        return done.output

    def is_on(self) -> bool:
        return self.process.poll() is None

    def power_off(self) -> None:
        """Off in order."""
        with suppress(MachineGone):
            self.control.run("systemctl poweroff", seconds=OFF_SECONDS)
        self.process.wait(OFF_SECONDS)


@contextmanager
def booted(image: Image, disks: Sequence[Disk], directory: Path) -> Iterator[Machine]:
    """A machine with `disks`, the first an `image.overlay`; what else it needs is in `directory`, and stays there.

    In the end it is cut off, as by a power failure, unless it is off.
    """
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "control"
    path.unlink(missing_ok=True)
    argv = command_line(image, disks, directory)
    with ExitStack() as stack:
        log = stack.enter_context((directory / "qemu.log").open("wb"))
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        stack.callback(process.wait)
        stack.callback(process.kill)
        eventually(lambda: path.exists() or process.poll() is not None, "the machine is on")
        if process.poll() is not None:
            raise MachineGone(f"qemu: {(directory / 'qemu.log').read_text()}")
        control = stack.enter_context(Control(path))
        machine = Machine(directory=directory, control=control, process=process)
        began = time.monotonic()
        machine.run("true", seconds=BOOT_SECONDS)
        (directory / "booted").write_text(f"{time.monotonic() - began:.1f}\n")
        yield machine


def command_line(image: Image, disks: Sequence[Disk], directory: Path) -> list[str]:
    """QEMU's; it ends with the thread that starts it."""
    kernel = "root=/dev/vda rw console=ttyS0 quiet mitigations=off systemd.show_status=0 net.ifnames=0"
    return [
        *("setpriv", "--pdeathsig", "KILL"),
        *("qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", PROCESSOR, "-smp", str(CORES)),
        *("-m", str(MEMORY_MB), "-no-reboot", "-display", "none", "-monitor", "none"),
        *("-kernel", str(image.kernel), "-initrd", str(image.initrd), "-append", kernel),
        *(word for disk in disks for word in ("-drive", disk.option)),
        *("-nic", "none", "-device", "virtio-rng-pci", "-device", "virtio-serial-pci"),
        *("-chardev", f"socket,id=control,path={directory / 'control'},server=on,wait=off"),
        *("-device", "virtserialport,chardev=control,name=adjutant.control"),
        *("-serial", f"file:{directory / 'console'}"),
    ]
