"""Monitors (conmon) that have outlived their container: processes of the engine that nothing of it ends any more.

They are found by their arguments: the engine's storage, a container name of ours, and the id of a container that the
engine does not have. Where the engine's processes are not to be seen, as from within a container, nothing is found.
"""

import logging
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from koji_adjutant.container.interface import ContainerManager

CONMON = "conmon"
NAMES = ("adjutant-", "koji-adjutant-")
SETTLE_SECONDS = 2.0

logger = logging.getLogger("koji.adjutant.sweep")


@dataclass(frozen=True, kw_only=True)
class Monitor:
    """A conmon process and the container that it is for."""

    pid: int
    container: str
    arguments: tuple[str, ...]


def monitors() -> Iterator[Monitor]:
    """Those of containers with names as ours have, of whatever engine."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (found := _monitor(int(entry.name))):
            yield found


def _monitor(pid: int) -> Monitor | None:
    try:
        arguments = tuple(Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0"))
    except OSError:
        return None
    if Path(arguments[0]).name != CONMON or not _value(arguments, "-n").startswith(NAMES):
        return None
    return Monitor(pid=pid, container=_value(arguments, "-c"), arguments=arguments)


def _value(arguments: tuple[str, ...], option: str) -> str:
    values = (value for name, value in pairwise(arguments) if name == option)
    return next(values, "")


def end_lost_monitors(manager: ContainerManager) -> None:
    """End those whose container the engine has not, and had not a moment ago: its own clean-up takes its time."""
    if not any(True for _ in monitors()):
        return
    storage = str(manager.storage_path())
    lost = _lost(manager, storage)
    if lost:
        time.sleep(SETTLE_SECONDS)
    for monitor in lost & _lost(manager, storage):
        if _end(monitor):
            logger.warning("monitor %d of container %s is ended", monitor.pid, monitor.container[:12])


def end_monitors_of(container: str) -> bool:
    """End those of a container that the engine cannot remove: one that hangs keeps its processes from ending."""
    ended = [_end(monitor) for monitor in monitors() if monitor.container == container]
    return any(ended)


def _lost(manager: ContainerManager, storage: str) -> frozenset[Monitor]:
    return frozenset(
        one for one in monitors() if storage in one.arguments and manager.inspect(one.container) is None
    )


def _end(monitor: Monitor) -> bool:
    with suppress(OSError):
        handle = os.pidfd_open(monitor.pid)
        try:
            # Looked at again, now that its pid cannot become another's.
            if _monitor(monitor.pid) == monitor:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
                return True
        finally:
            os.close(handle)
    return False
