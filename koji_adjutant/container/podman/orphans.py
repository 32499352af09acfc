"""Orphan processes, of containers that the engine does not have any more: nothing else finds or ends them.

An engine that is killed between making a container and starting it leaves a process of its runtime behind, which waits
to be told to start. They are known by their control group, which has the id of the container in its name, and by their
root, which is below the engine's storage. Where the engine's processes are not to be seen nothing is found.
"""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from koji_adjutant.container.interface import ContainerManager
from koji_adjutant.container.podman.conmon import SETTLE_SECONDS
from koji_adjutant.container.podman.processes import PROC, ContainerProcess, container_processes

logger = logging.getLogger("koji.adjutant.container.podman")


def end_orphan_processes(
    manager: ContainerManager,
    *,
    settle: float = SETTLE_SECONDS,
    sleep: Callable[[float], None] = time.sleep,
    proc: Path = PROC,
) -> int:
    """End the processes of containers that the engine has not, and had not a moment ago; how many."""
    if not any(container_processes(proc)):
        return 0
    storage = str(manager.storage_path())
    lost = _lost(manager, storage, proc)
    if lost:
        sleep(settle)
    ended = 0
    for orphan in lost & _lost(manager, storage, proc):
        if orphan.kill(proc):
            logger.warning("process %d of container %s is ended", orphan.pid, orphan.container[:12])
            ended += 1
    return ended


def has_root_below(entry: Path, storage: str) -> bool:
    """Whether the root of a process is an overlay of layers in that storage."""
    with suppress(OSError):
        for line in (entry / "mountinfo").read_text(errors="replace").splitlines():
            if line.split()[4] == "/":
                return f"{storage}/" in line
    return False


def _lost(manager: ContainerManager, storage: str, proc: Path) -> frozenset[ContainerProcess]:
    found = frozenset(
        one for one in container_processes(proc) if has_root_below(proc / str(one.pid), storage)
    )
    # A container may have many.
    gone = {one for one in {orphan.container for orphan in found} if manager.inspect(one) is None}
    return frozenset(one for one in found if one.container in gone)
