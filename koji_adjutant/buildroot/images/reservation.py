"""Which worker makes an image: the one that holds the container whose name the key gives.

All workers of an engine see that name. The root is populated in that container, and it is there until the image has its
own name. A container whose worker died stays, and is removed when this worker, or one that has seen it for long, makes
the image.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from koji_adjutant.buildroot.images.keys import lock_name
from koji_adjutant.buildroot.images.requests import ImageRequest, requests_directory
from koji_adjutant.config import Config
from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerInfo, ContainerManager, ContainerSpec, ImageInfo
from koji_adjutant.errors import BuildrootFailed, EngineError
from koji_adjutant.host.files import age, replace_json, stamp

TAKE_OVER_SECONDS = 3600.0
"""How long this host has to see another worker's container before it takes the image over."""

logger = logging.getLogger("koji.adjutant.buildroot.images")


class MadeElsewhere(BuildrootFailed):
    """Somebody else is making this image."""


@dataclass(frozen=True, kw_only=True)
class Reservation:
    """Reserves images for one worker."""

    manager: ContainerManager
    config: Config
    worker: str
    take_over_seconds: float = TAKE_OVER_SECONDS

    @contextmanager
    def held(self, request: ImageRequest, base: ImageInfo) -> Iterator[str]:
        """The container, made from `base`, in which the root is populated; MadeElsewhere when another worker has it."""
        spec = ContainerSpec(
            image=base.id,
            command=("/bin/true",),
            labels=request.labels(self.worker),
            name=lock_name(request.key),
        )
        left = self.manager.inspect(spec.name)
        if left is not None:
            if left.labels.get(labels.WORKER) != self.worker and not self._is_abandoned(left, request.key):
                raise MadeElsewhere(f"the image of key {request.key} is being made by another worker")
            logger.info("container %s was left behind", spec.name)
            self.manager.remove(left.id)
        try:
            container = self.manager.create(spec)
        except EngineError as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
            raise MadeElsewhere(f"the image of key {request.key} is being made by another worker") from error
        try:
            yield container
        finally:
            self.manager.remove(container)

    def forget(self, key: str) -> None:
        """Forget since when another worker's container of `key` was seen: the image is settled."""
        self._seen(key).unlink(missing_ok=True)

    def _is_abandoned(self, held: ContainerInfo, key: str) -> bool:
        """Whether this host has seen the same container for long: clocks, ours or the engine's, may have been set."""
        file = self._seen(key)
        try:
            seen = json.loads(file.read_text())
            seconds = age(seen) if seen["container"] == held.id else None
        except (OSError, ValueError, TypeError, KeyError):
            seconds = None
        if seconds is None:
            replace_json(file, {"container": held.id, **stamp()})
        return seconds is not None and seconds > self.take_over_seconds

    def _seen(self, key: str) -> Path:
        return requests_directory(self.config) / f"{key}.seen"
