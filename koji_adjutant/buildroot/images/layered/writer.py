"""Writes an image of the bytes that the engine exported of its root, cut into layers that are loaded one by one.

An engine answers nobody while it writes a layer, so between two of them it is left to others, and while a root is
exported too. Of an image of BuildRequires only what differs from its base is loaded: two censuses tell, not the engine,
whose own list of changes takes seconds in which it answers nobody.
"""

import time
from dataclasses import dataclass, field
from pathlib import Path

from koji_adjutant.buildroot.images.layered.layers import Changes, LayerSizes, plan_layers, read_members
from koji_adjutant.buildroot.images.layered.loader import ImageLoader
from koji_adjutant.buildroot.images.writer import Pause, PopulatedRoot
from koji_adjutant.container.interface import ContainerManager, ImageInfo

PIECE = 1 << 20
ATTENTION = 16 << 20
"""Bytes of an export after which somebody else may have the engine."""


@dataclass(frozen=True, kw_only=True)
class LayeredWriter:
    """The ImageWriter that exports the root and loads it in layers; `pause` is called after every step."""

    manager: ContainerManager
    pause: Pause
    sizes: LayerSizes = field(default_factory=LayerSizes)

    def write(self, root: PopulatedRoot) -> ImageInfo:
        """The image, under either of its names."""
        archive = root.scratch / "root.tar"
        self._export(root.container, archive)
        members = tuple(read_members(archive))
        loader = ImageLoader(
            manager=self.manager,
            names=root.names,
            labels=root.labels,
            architecture=root.base.architecture,
            root=archive,
            entry=root.census.root,
            pause=self.pause,
        )
        if root.earlier is None:
            return loader.load(plan_layers(members, sizes=self.sizes))
        changes = Changes.between(root.earlier.paths, root.census.paths)
        layers = plan_layers(members, changes, self.sizes)
        return loader.load(layers, root.base.layers, container=root.container)

    def _export(self, container: str, path: Path) -> None:
        with self.manager.export_root(container) as stream, path.open("wb") as file:
            began, taken = time.monotonic(), 0
            while piece := stream.read(PIECE):
                file.write(piece)
                taken += len(piece)
                if taken >= ATTENTION:
                    self.pause(time.monotonic() - began)
                    began, taken = time.monotonic(), 0
