"""What is left of images that were being made when their helper died: found by the requests that it left, and removed.

Only while nobody of this worker makes images. An image that another worker of the engine is making now has the same
names and is that worker's: it holds the container whose name the key gives.
"""

import logging
import shutil

from koji_adjutant.buildroot.images.keys import lock_name, remove_unless_in_use, unverified_names
from koji_adjutant.buildroot.images.requests import pending_requests
from koji_adjutant.config import Config
from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerManager
from koji_adjutant.errors import EngineDamaged, EngineError

logger = logging.getLogger("koji.adjutant.buildroot.images")


def scratch_prefix(worker: str) -> str:
    """How the names begin of the directories below the cache directory in which a worker makes images."""
    return f"image-{worker}-"


def remove_scratch(config: Config, worker: str) -> None:
    """Remove what a helper of this worker that died has left in the cache directory."""
    for directory in config.cache_dir.glob(f"{scratch_prefix(worker)}*"):
        shutil.rmtree(directory)


def remove_unfinished(manager: ContainerManager, config: Config, worker: str) -> None:
    """Remove the image of every request as far as it has not got the name that tasks look for, and files of ours."""
    for request in tuple(pending_requests(config)):
        key = request.stem
        held = manager.inspect(lock_name(key))
        if held is None or held.labels.get(labels.WORKER) == worker:
            remove_unverified(manager, key)
    remove_scratch(config, worker)


def remove_unverified(manager: ContainerManager, key: str) -> None:
    """Remove the image of `key` as far as it was made under another name than its own."""
    for name in unverified_names(key):
        try:
            image = manager.inspect_image(name)
        except (EngineDamaged, EngineError) as error:
            # A power failure may leave one that cannot be looked at, nor any be listed while it is there.
            logger.warning("image %s was not finished: %s", name, error)
            remove_unless_in_use(manager, name)
            continue
        if image is not None:
            manager.untag_image(name)
            if not set(image.names) - {name}:
                remove_unless_in_use(manager, image.id)
