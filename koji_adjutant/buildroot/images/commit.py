"""Images that the engine commits: one layer of what differs, on top of the image that the container was made from.

An engine holds the lock of its storage while it writes a layer, and answers nobody. Over the commit of a root of 420 MB
others wait for four seconds on podman 4.3.1, for 1.7 on 5.4.2 (0.5 over layers), for 1.3 on 5.8.6 (0.7 over layers),
the last two on a busy machine of two processors. So no engine gets its images this way yet: which does is decided by
its release (`maker.COMMITTING`), and measured by `make bench BENCH='--only commit_stall'`. It is quicker: four seconds
in place of eleven.

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
    wants_earlier_census: bool = False
    """The engine knows what differs from the image that the container was made from."""

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
