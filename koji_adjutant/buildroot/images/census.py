"""A census of a root: what rpm lists in it, and every path with its properties, counted and digested.

It is taken by a tool container of the task image that sees the root read-only and has no network. Two roots of
equal census are equal in all that an image has to keep: an image is trusted when its census is that of the root
that it was made of. What cannot be kept shows in the census too.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from koji_adjutant.buildroot.install.solver import ROOT
from koji_adjutant.buildroot.packages import QUERY_FORMAT, InstalledPackage, parse_installed
from koji_adjutant.config import Config
from koji_adjutant.container.interface import (
    Containers,
    ContainerSpec,
    ResourceLimits,
    Stream,
    VolumeMount,
)
from koji_adjutant.container.labels import Owner, Role
from koji_adjutant.container.programs import ROOT_PATH, bash
from koji_adjutant.errors import BuildrootFailed, Problem

SCRIPT = Path(__file__).with_name("scripts") / "census.sh"
SCRIPT_TEXT = SCRIPT.read_text()
"""Read when the daemon starts: a package that is replaced meanwhile is not a running task's business."""
LOW_WEIGHT = 256
"""A quarter of a container's usual share of a cpu."""
BLOCK = 512
HOLE = 16 << 20
"""A file that takes so much less disk than its size says has holes; less may be a file system that compresses."""
MOST_IN_HOLES = 256 << 20
CENSUS_SECONDS = 900.0
MAX_LISTING = 1 << 30
"""Bytes of a listing that are taken: millions of files."""
MAX_MESSAGE = 400
"""Bytes of what a failing script said that its error has."""
HEADS = 2
"""Parts before the list of paths."""
FIELDS = 11
"""Properties of a path, its name included."""
NAMED_PATHS = 3
"""Paths that an error message names."""


@dataclass(frozen=True, kw_only=True)
class RootEntry:
    """The root directory itself, which is in no archive of its content."""

    mode: int = 0o755
    uid: int = 0
    gid: int = 0
    mtime: int = 0


@dataclass(frozen=True, kw_only=True)
class Census:
    """A root as a census found it. `unkept` are the first few paths that no image can keep."""

    packages: tuple[InstalledPackage, ...]
    kinds: dict[str, int]
    apparent_bytes: int
    bytes_in_holes: int
    unkept: tuple[str, ...]
    digest: str
    root: RootEntry
    paths: Mapping[str, bytes]
    """By path, a digest that changes whenever the path is touched."""

    def unfit(self) -> Problem | None:
        """Why no image can be made of the root; None when one can."""
        if self.unkept:
            return Problem(f"an image cannot keep {', '.join(self.unkept)}")
        if self.bytes_in_holes > MOST_IN_HOLES:
            return Problem(f"{self.bytes_in_holes} bytes of it are holes in files, which an image would fill")
        return None

    def difference(self, other: "Census") -> Problem | None:
        """In what `other`, of the image that was made, differs; None when it does not."""
        if self.packages != other.packages:
            return Problem(f"rpm lists {len(other.packages)} packages in it, {len(self.packages)} before")
        if self.kinds != other.kinds:
            return Problem(f"it has {other.kinds} paths by kind, {self.kinds} before")
        if self.apparent_bytes != other.apparent_bytes:
            return Problem(f"its files have {other.apparent_bytes} bytes, {self.apparent_bytes} before")
        if self.root.mode != other.root.mode:
            return Problem(f"its root has mode {other.root.mode:o}, {self.root.mode:o} before")
        if self.digest != other.digest:
            return Problem("owners, modes, times or links of its files differ")
        return None


@dataclass(kw_only=True)
class CensusSink:
    """Takes the output of the script, piece by piece; holds one digest of each path."""

    said: bytes = b""
    taken: int = 0
    limit: int = MAX_LISTING
    _rest: bytearray = field(default_factory=bytearray)
    _head: list[bytes] = field(default_factory=list)
    _entry: bytes | None = None
    _kinds: Counter[str] = field(default_factory=Counter)
    _seen: set[bytes] = field(default_factory=set)
    _apparent: int = 0
    _holes: int = 0
    _unkept: list[str] = field(default_factory=list)
    _paths: list[bytes] = field(default_factory=list)
    _entries: dict[str, bytes] = field(default_factory=dict)
    _root: RootEntry = RootEntry()

    def write(self, stream: Stream, data: bytes) -> None:
        """Take one piece of output."""
        if stream == "stderr":
            self.said = (self.said + data)[:MAX_MESSAGE]
            return
        self.taken += len(data)
        if self.taken > self.limit:
            raise BuildrootFailed(f"the census of a buildroot is over {self.limit} bytes")
        *strings, rest = (bytes(self._rest) + data).split(b"\0")
        self._rest = bytearray(rest)
        for string in strings:
            self._take(string)

    def _take(self, string: bytes) -> None:
        if len(self._head) < HEADS:
            self._head.append(string)
        elif self._entry is None:
            self._entry = string
        else:
            self._count(self._entry, string)
            self._entry = None

    def _count(self, entry: bytes, target: bytes) -> None:
        kind, mode, uid, gid, links, size, blocks, inode, mtime, _, path = entry.split(b" ", FIELDS - 1)
        self._kinds[kind.decode()] += 1
        seconds = mtime.partition(b".")[0]
        name = path.rpartition(b"/")[2]
        if kind == b"s" or name.startswith(b".wh."):
            self._leave_out(path)
        if not path:
            self._root = RootEntry(mode=int(mode, 8), uid=int(uid), gid=int(gid), mtime=int(seconds))
        if kind != b"f":
            # A directory's size, links and times are the file system's affair.
            links = size = seconds = b""
        elif inode not in self._seen:
            self._seen.add(inode)
            self._apparent += int(size)
            hole = int(size) - int(blocks) * BLOCK
            self._holes += hole if hole > HOLE else 0
        parts = (kind, mode, uid, gid, links, size, seconds, path, target)
        self._entries[path.decode(errors="surrogateescape")] = hashlib.sha256(entry).digest()
        self._paths.append(hashlib.sha256(b"\0".join(parts)).digest())

    def _leave_out(self, path: bytes) -> None:
        if len(self._unkept) < NAMED_PATHS:
            self._unkept.append(f"/{path.decode(errors='replace')}")

    def census(self) -> Census:
        """The census, when the script has ended well; BuildrootFailed when its output is cut off."""
        if len(self._head) < HEADS or self._rest or not self._paths:
            raise BuildrootFailed("the census of a buildroot ended before its time")
        listing, capabilities = self._head
        every = hashlib.sha256(capabilities)
        for path in sorted(self._paths):
            every.update(path)
        return Census(
            packages=parse_installed(listing.decode()),
            kinds=dict(sorted(self._kinds.items())),
            apparent_bytes=self._apparent,
            bytes_in_holes=self._holes,
            unkept=tuple(self._unkept),
            digest=every.hexdigest(),
            root=self._root,
            paths=self._entries,
        )


def census_spec(config: Config, owner: Owner, image: str, root: str) -> ContainerSpec:
    """The tool container. Pure."""
    return ContainerSpec(
        image=image,
        command=bash(SCRIPT_TEXT, SCRIPT.name, QUERY_FORMAT),
        labels={**config.container_labels, **owner.labels(Role.IMAGE)},
        environment={"PATH": ROOT_PATH, "HOME": "/root", "LANG": "C.UTF-8"},
        mounts=(VolumeMount(source=root, target=ROOT, options=("rbind",)),),
        capabilities=frozenset({"DAC_READ_SEARCH"}),
        limits=ResourceLimits(cpu_weight=LOW_WEIGHT),
        label_disable=True,
    )


def take_census(containers: Containers, config: Config, owner: Owner, image: str, root: str) -> Census:
    """The census of the root that the engine has at `root`."""
    sink = CensusSink()
    status = containers.run(census_spec(config, owner, image, root), sink, timeout=CENSUS_SECONDS)
    if status:
        said = " ".join(sink.said.decode(errors="replace").split())
        raise BuildrootFailed(f"the census of a buildroot ended with status {status}: {said}")
    return sink.census()
