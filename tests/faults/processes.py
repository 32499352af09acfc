"""Processes of a testbed as anybody sees them in /proc: by what stands in their arguments, environment and root."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A process, when it was looked at."""

    pid: int
    name: str
    arguments: str

    def __str__(self) -> str:
        return f"process {self.pid} ({self.name}): {self.arguments[:200]}"

    def kill(self) -> bool:
        """SIGKILL; False when it was gone."""
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True


def belonging_to(directory: Path) -> Iterator[Seen]:
    """Everything that runs, names `directory` in its arguments or environment, or has its root below it."""
    mark = os.fsencode(f"{directory}/")
    for entry in PROC.iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with suppress(OSError):
            arguments = (entry / "cmdline").read_bytes()
            if not arguments:
                continue  # of the kernel, or dead
            if mark in arguments or mark in (entry / "environ").read_bytes() or _has_root(entry, mark):
                yield Seen(
                    pid=int(entry.name),
                    name=(entry / "comm").read_text().strip(),
                    arguments=arguments.replace(b"\0", b" ").decode(errors="replace").strip(),
                )


def of_daemon(kojid_conf: Path) -> list[Seen]:
    """The daemon's main process, its task processes and its helpers."""
    return [seen for seen in belonging_to(kojid_conf.parent) if f"--config={kojid_conf}" in seen.arguments]


def conmons(engine: Path) -> list[Seen]:
    """The conmons of an engine."""
    return [seen for seen in belonging_to(engine) if seen.name == "conmon"]


def _has_root(entry: Path, mark: bytes) -> bool:
    for line in (entry / "mountinfo").read_bytes().splitlines():
        if line.split()[4] == b"/":
            return mark in line
    return False
