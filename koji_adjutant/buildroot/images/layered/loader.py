"""Loads an image in steps, one layer each, so that others can have the engine in between.

Each step is an archive with one new layer; those below are in the engine already and are only named. Steps have two
names in turn, and what a step replaces goes at once: an image that was left behind is found by these names alone, for
an engine takes seconds to look through all of its images. An engine that wants every layer in an archive gets all of
them in one.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.buildroot.images.archive import Archive, Layer, NewImage, loaded_image
from koji_adjutant.buildroot.images.census import RootEntry
from koji_adjutant.container.interface import ContainerManager, ImageInfo
from koji_adjutant.errors import EngineError

logger = logging.getLogger("koji.adjutant.buildroot.images")


@dataclass(frozen=True, kw_only=True)
class ImageLoader:
    """Loads one image under one of `names`: layers of `root`, the export of a root whose directory is `entry`."""

    manager: ContainerManager
    names: tuple[str, str]
    labels: Mapping[str, str]
    architecture: str
    root: Path
    entry: RootEntry
    pause: Callable[[float], None]

    def load(self, layers: Sequence[Layer], known: Sequence[str] = (), *, container: str = "") -> ImageInfo:
        """The image of `layers` on top of those that are `known`; `container` is the one that they are from."""
        try:
            return self._in_steps(layers, known)
        except EngineError as error:
            if known and not container:
                raise
            logger.warning("this engine wants whole images: %s", error)
        for name in self.names:
            self.manager.remove_image(name)
        if container:
            # One layer, as large as it may be: what lies below is in no archive.
            return self.manager.commit(container, self.names[0], self.labels)
        self._load(self.names[0], (), layers)
        return loaded_image(self.manager, self.names[0])

    def _in_steps(self, layers: Sequence[Layer], known: Sequence[str]) -> ImageInfo:
        name, other = self.names
        for layer in layers:
            began = time.monotonic()
            known = self._load(name, known, [layer])
            self.manager.remove_image(other)
            name, other = other, name
            self.pause(time.monotonic() - began)
        return loaded_image(self.manager, other)

    def _load(self, name: str, known: Sequence[str], layers: Sequence[Layer]) -> Sequence[str]:
        image = NewImage(
            name=name,
            labels=self.labels,
            architecture=self.architecture,
            root=self.root,
            entry=self.entry,
            known=known,
            layers=layers,
        )
        archive = Archive(image=image)
        self.manager.load_image(archive)
        return tuple(archive.diff_ids)
