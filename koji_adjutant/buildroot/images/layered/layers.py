"""A root's tar archive cut into layers: which members go into which layer. Pure, apart from reading the headers.

An engine answers nobody while it writes a layer, so no layer is large. A hard link is in the layer of the file that it
is a link to.
"""

import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

from koji_adjutant.buildroot.images.archive import BLOCK, Layer, Member, parents
from koji_adjutant.errors import BuildrootFailed

WHITEOUT = ".wh."


@dataclass(frozen=True, kw_only=True)
class LayerSizes:
    """How large one layer may be, and into how many a root is cut at most."""

    bytes: int = 32 << 20
    members: int = 4000
    most_layers: int = 60
    """The engine's storage takes 128, and a root may become the base of another."""


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Paths in which a root differs from that of the image it began as; of removed directories, they alone."""

    changed: frozenset[str]
    removed: tuple[str, ...]

    @classmethod
    def between(cls, earlier: Mapping[str, bytes], later: Mapping[str, bytes]) -> Self:
        """The changes from one root to another; each is given as a digest of every path (`Census.paths`)."""
        gone = earlier.keys() - later.keys()
        return cls(
            changed=frozenset(path for path, digest in later.items() if earlier.get(path) != digest),
            removed=tuple(sorted(path for path in gone if not any(above in gone for above in parents(path)))),
        )


def read_members(path: Path) -> Iterator[Member]:
    """The members of the archive at `path`."""
    try:
        with tarfile.open(path, "r:") as tar:
            for info in tar:
                length = -(-info.size // BLOCK) * BLOCK if info.isreg() else 0
                yield Member(
                    name=info.name.removeprefix("./").strip("/"),
                    start=info.offset,
                    end=info.offset_data + length,
                    is_directory=info.isdir(),
                    link=info.linkname.removeprefix("./").strip("/") if info.islnk() else "",
                )
                # The library would keep all of them.
                cast("Any", tar).members = []
    except tarfile.TarError as error:
        raise BuildrootFailed(f"the engine's export of a buildroot is damaged: {error}") from error


def plan_layers(
    members: Sequence[Member],
    changes: Changes | None = None,
    sizes: LayerSizes = LayerSizes(),
) -> list[Layer]:
    """Layers that together are `members`, or what `changes` says that is new of them.

    None is larger than `sizes` says, but for one of a single file, and those of a root for which that would be too
    many.
    """
    directories = {member.name: member for member in members if member.is_directory}
    wanted = members if changes is None else changed(members, changes.changed)
    limit = max(sizes.bytes, sum(member.size for member in wanted) // sizes.most_layers)
    most = max(sizes.members, len(wanted) // sizes.most_layers)
    layers = [Layer(directories=directories)]
    for path in changes.removed if changes else ():
        # What was below something that is no directory any more needs no marker.
        if all(name in directories for name in parents(path)):
            layers[0].add_whiteout(_beside(path))
    layer_of: dict[str, Layer] = {}
    for member in wanted:
        layer = layers[-1]
        if member.link:
            layer = layer_of.get(member.link, layer)
        elif layer.members and (layer.bytes + member.size > limit or len(layer.members) >= most):
            layer = Layer(directories=directories)
            layers.append(layer)
        layer.add(member)
        layer_of[member.name] = layer
    return [layer for layer in layers if layer.members or layer.whiteouts]


def changed(members: Sequence[Member], names: frozenset[str]) -> list[Member]:
    """Those of a root's members that are new or changed, and what they are hard links to."""
    links = {member.link for member in members if member.link and member.name in names}
    return [member for member in members if member.name in names or member.name in links]


def _beside(path: str) -> str:
    directory, slash, name = path.rpartition("/")
    return f"{directory}{slash}{WHITEOUT}{name}"
