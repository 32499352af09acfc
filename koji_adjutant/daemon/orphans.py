"""Processes of containers that the engine does not have any more: nothing ends them, and nothing else finds them.

An engine that is killed between making a container and starting it leaves a process of its runtime behind, which waits
to be told to start. They are known by their control group, which has the id of the container in its name, and by their
root, which is below the engine's storage. Where the engine's processes are not to be seen nothing is found.
"""

import logging
import time
from contextlib import suppress
from pathlib import Path

from koji_adjutant.container.interface import ContainerManager
from koji_adjutant.container_processes import PROC, ContainerProcess, container_processes

SETTLE_SECONDS = 2.0
"""Between the first look and the second: a container is removed when its processes are dead, or nearly."""

logger = logging.getLogger("koji.adjutant.sweep")


def end_orphans(manager: ContainerManager) -> None:
    """End the processes of containers that the engine has not, and had not a moment ago."""
    if not any(container_processes(PROC)):
        return
    storage = str(manager.storage_path())
    lost = _lost(manager, storage)
    if lost:
        time.sleep(SETTLE_SECONDS)
    for orphan in lost & _lost(manager, storage):
        if orphan.kill(PROC):
            logger.warning("process %d of container %s is ended", orphan.pid, orphan.container[:12])


def has_root_below(entry: Path, storage: str) -> bool:
    """Whether the root of a process is an overlay of layers in that storage."""
    with suppress(OSError):
        for line in (entry / "mountinfo").read_text(errors="replace").splitlines():
            if line.split()[4] == "/":
                return f"{storage}/" in line
    return False


def _lost(manager: ContainerManager, storage: str) -> frozenset[ContainerProcess]:
    found = frozenset(
        one for one in container_processes(PROC) if has_root_below(PROC / str(one.pid), storage)
    )
    # A container may have many.
    gone = {one for one in {orphan.container for orphan in found} if manager.inspect(one) is None}
    return frozenset(one for one in found if one.container in gone)
