"""Processes of containers as the kernel shows them, known by their control group, which has the container's id.

What is killed here dies at once, whatever the engine is busy with. Where the engine's processes are not to be seen (it
is on another host, or this is a container) nothing is found, and the engine has to be asked.
"""

import os
import re
import signal
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
GROUP = re.compile(r"/libpod-([0-9a-f]{64})\b")
"""Of a container's processes; those of its monitor are named otherwise."""


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
