"""Images that the engine commits: one layer of what differs, on top of the image that the container was made from.

It is what images are not made by, and what layers are measured beside: docs/architecture.md has the figures.

A commit keeps all of a root but the properties of its own directory, and adds what the container was to run. So an
archive comes on top of it that has that directory alone, and the labels.
"""

from dataclasses import dataclass

from koji_adjutant.buildroot.images.archive import Archive, Layer, NewImage, loaded_image
from koji_adjutant.buildroot.images.writer import Pause, PopulatedRoot
from koji_adjutant.container.interface import ContainerManager, ImageInfo


@dataclass(frozen=True, kw_only=True)
class CommitWriter:
    """The ImageWriter that has the engine commit the container.

    `pause` is called before the commit and lets tasks go first: the commit is one step, which nothing stops.
    """

    manager: ContainerManager
    pause: Pause

    def write(self, root: PopulatedRoot) -> ImageInfo:
        """The image, under the first of its names."""
        self.pause(0.0)
        name, other = root.names
        committed = self.manager.commit(root.container, other, {})
        self.manager.load_image(Archive(image=_completed(root, name, committed)))
        self.manager.remove_image(other)
        return loaded_image(self.manager, name)


def _completed(root: PopulatedRoot, name: str, committed: ImageInfo) -> NewImage:
    return NewImage(
        name=name,
        labels=root.labels,
        architecture=root.base.architecture,
        entry=root.census.root,
        known=committed.layers,
        layers=[Layer(directories={})],
    )
