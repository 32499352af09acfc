"""conmons that have outlived their container: the engine's monitor processes, which it does not end any more itself.

They are found by their arguments: the engine's storage, a container name as the daemon gives them, and the id of a
container that the engine does not have. Where the engine's processes are not to be seen, as from within a container,
nothing is found.
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
"""Between the first look and the second: a container is removed when its processes are dead, or nearly."""

logger = logging.getLogger("koji.adjutant.container.podman")


@dataclass(frozen=True, kw_only=True)
class Conmon:
    """A conmon process and the container that it is for."""

    pid: int
    container: str
    arguments: tuple[str, ...]


def conmons() -> Iterator[Conmon]:
    """The conmons of containers with names as the daemon gives them, of all engines of this host."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (found := _conmon(int(entry.name))):
            yield found


def _conmon(pid: int) -> Conmon | None:
    try:
        arguments = tuple(Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0"))
    except OSError:
        return None
    if Path(arguments[0]).name != CONMON or not _value(arguments, "-n").startswith(NAMES):
        return None
    return Conmon(pid=pid, container=_value(arguments, "-c"), arguments=arguments)


def _value(arguments: tuple[str, ...], option: str) -> str:
    values = (value for name, value in pairwise(arguments) if name == option)
    return next(values, "")


def end_lost_conmons(manager: ContainerManager, *, settle: float = SETTLE_SECONDS) -> int:
    """End the conmons whose container the engine has not, and had not a moment ago; how many.

    An engine's own clean-up takes a moment.
    """
    if not any(True for _ in conmons()):
        return 0
    storage = str(manager.storage_path())
    lost = _lost(manager, storage)
    if lost:
        time.sleep(settle)
    ended = 0
    for conmon in lost & _lost(manager, storage):
        if _end(conmon):
            logger.warning("conmon %d of container %s is ended", conmon.pid, conmon.container[:12])
            ended += 1
    return ended


def end_conmons_of(container: str) -> bool:
    """End the conmons of a container that the engine cannot remove: one that hangs keeps its processes from ending."""
    ended = [_end(conmon) for conmon in conmons() if conmon.container == container]
    return any(ended)


def _lost(manager: ContainerManager, storage: str) -> frozenset[Conmon]:
    return frozenset(
        one for one in conmons() if storage in one.arguments and manager.inspect(one.container) is None
    )


def _end(conmon: Conmon) -> bool:
    with suppress(OSError):
        handle = os.pidfd_open(conmon.pid)
        try:
            # Looked at again, now that its pid cannot become another's.
            if _conmon(conmon.pid) == conmon:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
                return True
        finally:
            os.close(handle)
    return False
