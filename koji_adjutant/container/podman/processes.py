"""Processes of containers as the kernel shows them, known by their control group, which has the container's id.

What is killed here dies at once, whatever the engine is busy with. Where the engine's processes are not to be seen (it
is on another host, or this is a container) nothing is found, and the engine has to be asked.
"""

import os
import re
import signal
import stat
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
BLOCK = 512
GROUP = re.compile(r"/libpod-([0-9a-f]{64})\b")
"""Of a container's processes; those of its monitor are named otherwise."""


def group_names(container: str, uid: int | None = None) -> tuple[str, ...]:
    """What the control group of a container may be called, below the root of a hierarchy: as podman calls it itself,
    and where systemd makes it, for the host or for the user `uid` (the caller)."""
    scope, user = f"libpod-{container}.scope", os.getuid() if uid is None else uid
    return (
        f"machine.slice/{scope}",
        f"libpod_parent/libpod-{container}",
        f"user.slice/user-{user}.slice/user@{user}.service/user.slice/{scope}",
    )


@dataclass(frozen=True, kw_only=True)
class ContainerProcess:
    """A process of a container."""

    pid: int
    container: str

    def kill(self, proc: Path = PROC) -> bool:
        """SIGKILL; whether it was still there."""
        with suppress(OSError):
            handle = os.pidfd_open(self.pid)
            try:
                # Looked at again, now that its pid cannot become another's.
                if _container_of(proc / str(self.pid)) == self.container:
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
                    return True
            finally:
                os.close(handle)
        return False


def container_processes(proc: Path = PROC) -> Iterator[ContainerProcess]:
    """Those of all containers, of whatever engine."""
    for entry in proc.iterdir():
        if entry.name.isdigit() and (found := _container_of(entry)):
            yield ContainerProcess(pid=int(entry.name), container=found)


def removed_but_open(container: str, proc: Path = PROC) -> int:
    """Bytes on the disk of a container's root that no directory shows: of files that were removed, and that its
    processes hold open or mapped."""
    held: dict[tuple[int, int], int] = {}
    for one in container_processes(proc):
        if one.container == container:
            held.update(_removed_files(proc / str(one.pid)))
    return sum(held.values())


def _removed_files(process: Path) -> Iterator[tuple[tuple[int, int], int]]:
    for directory in ("fd", "map_files"):
        # It may end meanwhile.
        with suppress(OSError):
            disk = (process / "root").stat().st_dev
            for entry in (process / directory).iterdir():
                with suppress(OSError):
                    status = entry.stat()
                    # Shared memory is no file of the root.
                    if stat.S_ISREG(status.st_mode) and not status.st_nlink and status.st_dev == disk:
                        yield (status.st_dev, status.st_ino), status.st_blocks * BLOCK


def kill_processes(containers: Collection[str], proc: Path = PROC) -> frozenset[str]:
    """Kill what is seen of these containers; those of which something was."""
    if not containers:
        return frozenset()
    return frozenset(
        one.container for one in container_processes(proc) if one.container in containers and one.kill(proc)
    )


def _container_of(entry: Path) -> str:
    try:
        found = GROUP.search((entry / "cgroup").read_text())
    except OSError:
        return ""
    return found[1] if found else ""
