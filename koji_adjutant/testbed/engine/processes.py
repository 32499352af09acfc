"""Processes known by pid and start time, so that a number that was reused is never taken for the old process."""

import os
import select
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.host.processes import start_time

PROC = Path("/proc")
TOOLS = frozenset({"podman", "conmon", "crun", "runc", "runc:[2:INIT]", "netavark", "fuse-overlayfs"})


@dataclass(frozen=True, kw_only=True)
class Process:
    """A process, told from every other of this boot by its pid and start time."""

    pid: int
    started: int
    """In clock ticks since boot."""

    def alive(self) -> bool:
        """Whether the process still runs; a zombie does not."""
        return start_time(self.pid) == self.started

    def end(self, patience: float) -> bool:
        """SIGTERM, and SIGKILL after `patience` seconds; whether it is gone."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return True
        try:
            return self._end(descriptor, patience)
        finally:
            os.close(descriptor)

    def _end(self, descriptor: int, patience: float) -> bool:
        # The descriptor was opened before this look, so the signal can reach no other process.
        if not self.alive():
            return True
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(descriptor, number)
            if select.select([descriptor], [], [], patience)[0]:
                return True
        return not self.alive()


def process(pid: int) -> Process | None:
    """The process that has this pid now; None when there is none, or it is dead."""
    found = start_time(pid)
    return None if found is None else Process(pid=pid, started=found)


def command_line(pid: int) -> str:
    """The arguments of a process with spaces between; empty when it is gone."""
    try:
        return (
            (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        )
    except (FileNotFoundError, ProcessLookupError):
        return ""


def engine_tools(text: str) -> Iterator[Process]:
    """Processes of the engine's own programs that have `text` in their arguments."""
    for pid in _pids():
        if _name(pid) in TOOLS and text in command_line(pid) and (found := process(pid)):
            yield found


def rooted_below(directory: Path) -> Iterator[Process]:
    """Processes whose root is an overlay or a directory below `directory`: those in its containers."""
    ours = (PROC / "self" / "ns" / "mnt").readlink()
    for pid in _pids():
        with suppress(OSError):
            if (PROC / str(pid) / "ns" / "mnt").readlink() == ours:
                continue
            root = next((line for line in mounts(pid) if line.split()[4] == "/"), "")
            if f"{directory}/" in root and (found := process(pid)):
                yield found


def mounts(pid: int | str = "self") -> list[str]:
    """The lines of a process's mount table."""
    return (PROC / str(pid) / "mountinfo").read_text().splitlines()


def mounts_below(directory: Path, pid: int | str = "self") -> list[str]:
    """Mount points below `directory` that a process sees, deepest first."""
    points = [line.split()[4].encode().decode("unicode_escape") for line in mounts(pid)]
    return sorted((point for point in points if point.startswith(f"{directory}/")), reverse=True)


def _pids() -> Iterator[int]:
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            yield int(entry.name)


def _name(pid: int) -> str:
    try:
        return (PROC / str(pid) / "comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""
