"""A docker archive of an image, made while it is sent: of layers that the engine has, and of new ones.

Layers that the engine has stand in the archive under their diff ids only, with nothing in them. An engine takes a layer
that it has from its store and does not look into the archive (podman does not), so that an archive can carry what is
new alone, and the layers below are shared. A new layer is made of the very bytes of a root's exported archive, headers
included, so that whatever these say of a file is kept; and it is complete in itself: the directories above what is in
it are in it too, as they are in the root.
"""

import hashlib
import json
import os
import tarfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import IO

from koji_adjutant.buildroot.images.census import RootEntry
from koji_adjutant.container.interface import ImageInfo, ImageStore
from koji_adjutant.errors import BuildrootFailed, EngineError

PIECE = 1 << 20
BLOCK = tarfile.BLOCKSIZE
TRAILER = 2 * BLOCK
PLACEHOLDER = b"\0" * TRAILER
"""An empty archive."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """One member of an archive: `start` to `end` are its bytes, extended headers and padding included."""

    name: str
    start: int
    end: int
    is_directory: bool = False
    link: str = ""
    """The name of the member that a hard link is to; empty for all other members."""

    @property
    def size(self) -> int:
        """Bytes in the archive."""
        return self.end - self.start


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


@dataclass(frozen=True, kw_only=True)
class NewImage:
    """An image to be loaded under `name`: layers that the engine has, and on top of them `layers` of `root`."""

    name: str
    labels: Mapping[str, str]
    architecture: str
    root: Path = Path(os.devnull)
    """The root's archive; nothing is read of it where the layers have no members."""
    entry: RootEntry = field(default_factory=RootEntry)
    """The root's own directory, of which an export says nothing."""
    known: Sequence[str] = ()
    layers: Sequence[Layer]


@dataclass(kw_only=True)
class Archive:
    """The archive of one image, to be sent once; `diff_ids` has all of its layers afterwards."""

    image: NewImage
    diff_ids: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[bytes]:
        """The archive in pieces of about PIECE bytes."""
        piece = bytearray()
        for data in self._bytes():
            piece += data
            if len(piece) >= PIECE:
                yield bytes(piece)
                piece.clear()
        yield bytes(piece)

    def _bytes(self) -> Iterator[bytes]:
        image = self.image
        self.diff_ids[:] = image.known
        files = [f"{number:04}.tar" for number in range(len(image.known) + len(image.layers))]
        for name in files[: len(image.known)]:
            yield from _file(name, PLACEHOLDER)
        with image.root.open("rb") as root:
            for name, layer in zip(files[len(image.known) :], image.layers, strict=True):
                yield from self._layer(name, layer, root)
        config = json.dumps(self._config()).encode()
        config_name = f"{hashlib.sha256(config).hexdigest()}.json"
        manifest = [{"Config": config_name, "RepoTags": [image.name], "Layers": files}]
        yield from _file(config_name, config)
        yield from _file("manifest.json", json.dumps(manifest).encode())
        yield b"\0" * TRAILER

    def _layer(self, name: str, layer: Layer, root: IO[bytes]) -> Iterator[bytes]:
        # A diff id is the digest of the layer as a tar archive.
        digest = hashlib.sha256()
        # An engine leaves an entry for "." out, and takes this one.
        top = _directory("/", self.image.entry)
        whiteouts = b"".join(_header(path, 0) for path in layer.whiteouts)
        yield _header(name, len(top) + layer.bytes + len(whiteouts) + TRAILER)
        for data in chain([top], layer_bytes(layer, root), [whiteouts, b"\0" * TRAILER]):
            digest.update(data)
            yield data
        self.diff_ids.append(f"sha256:{digest.hexdigest()}")

    def _config(self) -> Mapping[str, object]:
        created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        return {
            "created": created,
            "architecture": self.image.architecture,
            "os": "linux",
            "config": {"Labels": dict(self.image.labels)},
            "rootfs": {"type": "layers", "diff_ids": self.diff_ids},
            "history": [{"created": created, "created_by": "koji-adjutant"} for _ in self.diff_ids],
        }


def parents(name: str) -> Iterator[str]:
    """The directories above a path, the outermost first."""
    end = name.find("/")
    while end > 0:
        yield name[:end]
        end = name.find("/", end + 1)


def layer_bytes(layer: Layer, root: IO[bytes]) -> Iterator[bytes]:
    """The members of a layer, as they are in the root's archive."""
    for start, end in _ranges(layer):
        root.seek(start)
        left = end - start
        while left:
            data = root.read(min(left, PIECE))
            if not data:
                raise BuildrootFailed("the engine's export of a buildroot ended before its time")
            left -= len(data)
            yield data


def _ranges(layer: Layer) -> Iterable[tuple[int, int]]:
    """Where the members are; neighbours as one."""
    ranges: list[tuple[int, int]] = []
    for member in layer.members:
        if ranges and ranges[-1][1] == member.start:
            ranges[-1] = (ranges[-1][0], member.end)
        else:
            ranges.append((member.start, member.end))
    return ranges


def _file(name: str, content: bytes) -> Iterator[bytes]:
    yield _header(name, len(content))
    yield content + b"\0" * (-len(content) % BLOCK)


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf(tarfile.PAX_FORMAT, errors="surrogateescape")


def _directory(name: str, entry: RootEntry) -> bytes:
    info = tarfile.TarInfo(name)
    info.type = tarfile.DIRTYPE
    info.mode, info.uid, info.gid, info.mtime = entry.mode, entry.uid, entry.gid, entry.mtime
    return info.tobuf(tarfile.PAX_FORMAT)


def loaded_image(manager: ImageStore, name: str) -> ImageInfo:
    """The image of an archive that was loaded."""
    found = manager.inspect_image(name)
    if found is None:
        raise EngineError(f"image {name} is not in the engine's storage right after it was loaded")
    return found
