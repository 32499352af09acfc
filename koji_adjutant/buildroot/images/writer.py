"""How the root of a container becomes an image of the engine: the interface, and what a writer is given.

`LayeredWriter` loads the root layer by layer: an engine answers nobody for seconds while it commits a container. The
image is no task's yet: it has a name that no task looks for, and gets its own when its census is that of the root
(`ImageMaker`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from koji_adjutant.buildroot.images.census import Census
from koji_adjutant.container.interface import ImageInfo

Pause = Callable[[float], None]
"""Leaves the engine to others, after having had it for some seconds."""


@dataclass(frozen=True, kw_only=True)
class PopulatedRoot:
    """The root of a container that was populated and never started, and what its image is to say of itself."""

    container: str
    base: ImageInfo
    """The image that the container was made from."""
    census: Census
    earlier: Census | None = None
    """The census of the root before it was populated; None when it was empty."""
    names: tuple[str, str]
    """The names that the image may have until it is verified."""
    labels: Mapping[str, str]
    scratch: Path
    """A directory for files of the writer's own; the maker removes it."""


class ImageWriter(Protocol):
    """Writes images, one at a time."""

    def write(self, root: PopulatedRoot) -> ImageInfo:
        """An image of `root` under one of `root.names`. EngineError, EngineUnavailable, BuildrootFailed.

        On top of the image that the container was made from, and with nothing of the container's but its root.
        """
