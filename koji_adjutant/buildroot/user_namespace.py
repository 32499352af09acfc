"""The user namespace of a worker's builds and installations, and whether the engine can have it.

It can where it maps an image's files for a container without copying them (idmapped overlay), and lets a container in
the namespace have what an installer has: a second proc, devices by bind mounts.
"""

import logging
from pathlib import Path
from zlib import crc32

from koji_adjutant.buildroot.installer import CAPABILITIES, root_mounts
from koji_adjutant.container.interface import ContainerManager, ContainerSpec, IdMap, Stream
from koji_adjutant.container.labels import Owner, Role
from koji_adjutant.errors import EngineError, TaskTimeout

SCRIPT = Path(__file__).with_name("scripts") / "user_namespace.sh"
FIRST, SLOTS, SIZE = 1 << 30, 8192, 65536
"""Host ids that no user has, and that no other program of a usual system hands out."""
SECONDS = 30.0
ANSWER_LIMIT = 4096

logger = logging.getLogger(__name__)


class _Answer:
    """The beginning of what the script says."""

    def __init__(self) -> None:
        self.text = b""

    def write(self, _stream: Stream, data: bytes) -> None:
        self.text = (self.text + data)[:ANSWER_LIMIT]


def worker_map(worker: str) -> IdMap:
    """The map of a worker, the same whenever it is asked for. Pure."""
    return IdMap(first=FIRST + crc32(worker.encode()) % SLOTS * SIZE, size=SIZE)


def probe_spec(owner: Owner, image: str, id_map: IdMap) -> ContainerSpec:
    """A container with all that an installer has. Pure."""
    return ContainerSpec(
        image=image,
        command=("/bin/bash", "-c", SCRIPT.read_text(), SCRIPT.name, str(id_map.first)),
        labels=owner.labels(Role.TOOL),
        environment={"PATH": "/usr/bin:/usr/sbin:/bin:/sbin"},
        mounts=root_mounts("/mnt"),
        capabilities=CAPABILITIES,
        id_map=id_map,
        label_disable=True,
    )


def probe(manager: ContainerManager, owner: Owner, image: str, id_map: IdMap) -> str:
    """Why containers cannot have the map; empty when they can."""
    answer = _Answer()
    try:
        code = manager.run(probe_spec(owner, image, id_map), answer, timeout=SECONDS)
    except (EngineError, TaskTimeout) as error:
        reason = f"the engine cannot have it: {error}"
    else:
        said = " ".join(answer.text.decode(errors="replace").split())
        reason = f"the engine cannot have it: {said or f'the trial ended with {code}'}" if code else ""
    logger.info("user namespace of builds from host id %d: %s", id_map.first, reason or "yes")
    return reason
