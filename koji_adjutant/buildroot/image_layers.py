"""A root's tar archive cut into layers: which members go into which layer. Pure, apart from reading the headers.

An engine answers nobody while it writes a layer, so no layer is large; and a layer is made of the very bytes that
the engine exported, headers included, so that whatever these say of a file is kept. A layer is complete in itself:
the directories above what is in it are in it too, as they are in the root, and a hard link is in the layer of the
file that it is a link to.
"""

import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from koji_adjutant.errors import BuildrootFailed

LAYER_BYTES = 32 << 20
LAYER_MEMBERS = 4000
MOST_LAYERS = 60
"""Of one root. The engine's storage takes 128, and a root may become the base of another."""
BLOCK = tarfile.BLOCKSIZE
TRAILER = 2 * BLOCK
WHITEOUT = ".wh."


@dataclass(frozen=True, kw_only=True)
class Member:
    """One member of an archive: `start` to `end` are its bytes, extended headers and padding included."""

    name: str
    start: int
    end: int
    is_directory: bool = False
    link: str = ""
    """Of a hard link: the name of the member it is a link to."""

    @property
    def size(self) -> int:
        """Bytes in the archive."""
        return self.end - self.start


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Paths in which a root differs from that of the image it began as; of removed directories, they alone."""

    changed: frozenset[str]
    removed: tuple[str, ...]


@dataclass(kw_only=True)
class Layer:
    """Members of an archive, in order, and names of whiteouts."""

    directories: Mapping[str, Member]
    """All directories of the root."""
    members: list[Member] = field(default_factory=list)
    whiteouts: list[str] = field(default_factory=list)
    bytes: int = 0
    _names: set[str] = field(default_factory=set)

    def add(self, member: Member) -> None:
        """Add a member, after those directories above it that are missing."""
        self._add_parents(member.name)
        self._append(member)

    def add_whiteout(self, name: str) -> None:
        """Take something away that is in a layer below."""
        self._add_parents(name)
        self.whiteouts.append(name)

    def _add_parents(self, name: str) -> None:
        for directory in parents(name):
            if directory in self.directories:
                self._append(self.directories[directory])

    def _append(self, member: Member) -> None:
        if member.name not in self._names:
            self._names.add(member.name)
            self.members.append(member)
            self.bytes += member.size


def parents(name: str) -> Iterator[str]:
    """The directories above a path, the outermost first."""
    end = name.find("/")
    while end > 0:
        yield name[:end]
        end = name.find("/", end + 1)


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


def plan_layers(members: Sequence[Member], changes: Changes | None = None) -> list[Layer]:
    """Layers that together are `members`, or what `changes` says that is new of them.

    None is over LAYER_BYTES, but for one of a single file, and those of a root for which that would be too many.
    """
    directories = {member.name: member for member in members if member.is_directory}
    wanted = members if changes is None else changed(members, changes.changed)
    limit = max(LAYER_BYTES, sum(member.size for member in wanted) // MOST_LAYERS)
    most = max(LAYER_MEMBERS, len(wanted) // MOST_LAYERS)
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
