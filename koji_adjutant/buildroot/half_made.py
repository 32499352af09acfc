"""Images that were being made when their helper died: found by the requests that it left, and removed.

Only while nobody of this worker makes images. One that another worker of the engine is making now has the same names
and is that worker's: it holds the container whose name the key gives.
"""

from koji_adjutant.buildroot.images import (
    lock_name,
    pending_requests,
    remove_unless_in_use,
    unverified_names,
)
from koji_adjutant.config import Config
from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerManager


def remove_half_made(manager: ContainerManager, config: Config, worker: str) -> None:
    """Remove what has not got the name that tasks look for, of every image that is asked for."""
    for request in tuple(pending_requests(config)):
        key = request.stem
        held = manager.inspect(lock_name(key))
        if held is None or held.labels.get(labels.WORKER) == worker:
            remove_unverified(manager, key)


def remove_unverified(manager: ContainerManager, key: str) -> None:
    """Remove the image of `key` as far as it was made under another name than its own."""
    for name in unverified_names(key):
        image = manager.inspect_image(name)
        if image is not None:
            manager.untag_image(name)
            if not set(image.names) - {name}:
                remove_unless_in_use(manager, image.id)
