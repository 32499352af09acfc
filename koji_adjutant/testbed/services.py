"""The testbed's processes: started into a session of their own, found again by pid and start time.

A record outlives the command that wrote it: `down` in another terminal stops exactly the processes that `up` has
started, also when a pid has been given to somebody else since.
"""

import json
import os
import select
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from koji_adjutant.errors import AdjutantError
from koji_adjutant.host.processes import start_time

GRACE = 20.0
"""Seconds that a process has for an orderly end before it is killed."""
ENDED = -1
"""Start time of a process that has ended before anybody could look."""


class ServiceFailed(AdjutantError):
    """A process of the testbed did not start, or has ended."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """A process of this machine; `started` is its start time, which no later owner of the pid has."""

    pid: int
    started: int

    def is_running(self) -> bool:
        """Whether the process still runs; a zombie does not."""
        return start_time(self.pid) == self.started


def resident_kb(pid: int) -> int:
    """VmRSS of a process; 0 when it has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    return 0


def children_of(pid: int) -> tuple[int, ...]:
    """The direct children of a process."""
    try:
        return tuple(int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    except OSError:
        return ()


def start(argv: Sequence[str], *, record: Path, log: Path, environment: Mapping[str, str]) -> Service:
    """Start a process that goes on without us; its output is appended to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        child = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            start_new_session=True,
        )
    service = Service(pid=child.pid, started=start_time(child.pid) or ENDED)
    child.returncode = 0  # Popen is not to wait for it: the record is what lasts.
    record.write_text(json.dumps(asdict(service)))
    return service


def recorded(record: Path) -> Service | None:
    """The process of a record, if it runs."""
    try:
        service = Service(**json.loads(record.read_text()))
    except FileNotFoundError:
        return None
    return service if service.is_running() else None


def stop(record: Path, *, grace: float = GRACE) -> bool:
    """End a recorded process, politely at first; False when it was not running. The record goes."""
    service = recorded(record)
    if service is not None:
        _end(service, grace)
    record.unlink(missing_ok=True)
    return service is not None


def last_line(log: Path) -> str:
    """The last line of a log that says something."""
    lines = log.read_text(errors="replace").split("\n") if log.exists() else []
    return next((line for line in reversed(lines) if line.strip()), "no output")


def _end(service: Service, grace: float) -> None:
    with suppress(ProcessLookupError):
        handle = os.pidfd_open(service.pid)
        try:
            if service.is_running():
                signal.pidfd_send_signal(handle, signal.SIGTERM)
                if not select.select([handle], [], [], grace)[0]:
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
                    select.select([handle], [], [])
        finally:
            os.close(handle)
    with suppress(ChildProcessError):
        os.waitpid(service.pid, 0)
