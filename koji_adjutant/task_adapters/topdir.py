"""What a container needs to read the hub's volume: the topdir at its own path, and where its symlinks lead.

Read-only, and never relabelled: a relabelling would walk the whole volume.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from koji_adjutant.config import Config
from koji_adjutant.container.interface import VolumeMount

LINKED = ("packages", "work", "repos", "scratch", "vol")
OPTIONS = ("rbind", "rslave")


def topdir_mounts(config: Config) -> tuple[VolumeMount, ...]:
    """The topdir, and every directory outside it that packages, work, repos or a volume are links to."""
    topdir = Path(config.topdir)
    found = dict.fromkeys(outside for entry in _entries(topdir) for outside in _leaving(entry, topdir))
    return tuple(read_only(config, path) for path in (topdir, *sorted(found)))


def read_only(config: Config, path: Path) -> VolumeMount:
    """A directory, readable in a container under the name that it has for us."""
    return VolumeMount(source=config.engine_path(path), target=str(path), options=OPTIONS)


def _entries(topdir: Path) -> Iterator[Path]:
    yield from (topdir / name for name in LINKED)
    volumes = topdir / "vol"
    if volumes.is_dir():
        for volume in sorted(volumes.iterdir()):
            yield volume
            yield volume / "packages"


def _leaving(entry: Path, topdir: Path) -> Iterator[Path]:
    """The first directory outside topdir that a chain of links comes to, if there is one."""
    seen: set[Path] = set()
    while entry.is_symlink() and entry not in seen:
        seen.add(entry)
        entry = Path(os.path.normpath(entry.parent / entry.readlink()))
        if not entry.is_relative_to(topdir):
            if entry.is_dir():
                yield entry
            return
