"""A Debian package unpacked to a tree of its own, shaped as an RPM distribution lays files out.

/bin, /sbin and /lib* are folded into /usr, what nobody needs is left out, and the links that maintainer
scripts would have made are there. A tree belongs to the run that unpacked it and goes with its work directory.
"""

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.testbed.distribution.debian import parse_control
from koji_adjutant.testbed.distribution.programs import run
from koji_adjutant.testbed.distribution.recipe import Recipe

_MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")


@dataclass(frozen=True, kw_only=True)
class Tree:
    """What an unpacked package has: `paths` are absolute inside the tree, `commands` were in /bin or /sbin."""

    root: Path
    fields: Mapping[str, str]
    paths: Mapping[str, os.stat_result]
    commands: tuple[str, ...]
    conffiles: frozenset[str]
    requires: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()
    """What no field says: in RPM's terms, beyond what is generated."""


def unpack(deb: Path, root: Path, recipe: Recipe) -> Tree:
    """Unpack `deb` to `root`, which does not exist yet."""
    root.parent.mkdir(parents=True, exist_ok=True)
    run(["dpkg-deb", "--raw-extract", deb, root])
    control = root / "DEBIAN"
    fields = parse_control((control / "control").read_text())
    listed = control / "conffiles"
    conffiles = (
        frozenset(line.split()[-1] for line in listed.read_text().splitlines()) if listed.exists() else ()
    )
    shutil.rmtree(control)
    commands = merge_usr(root)
    for path, target in recipe.links.get(fields["Package"], {}).items():
        link = root / path.lstrip("/")
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(target)
    trim(root, recipe.trimmed)
    return Tree(
        root=root, fields=fields, paths=paths_below(root), commands=commands, conffiles=frozenset(conffiles)
    )


def merge_usr(root: Path) -> tuple[str, ...]:
    """Fold the directories that are links into /usr; the commands that were in /bin and /sbin."""
    commands: list[str] = []
    for top in _MERGED:
        source = root / top
        if source.is_symlink() or not source.is_dir():
            continue
        if top in {"bin", "sbin"}:
            commands += sorted(f"/{top}/{path.name}" for path in source.iterdir())
        _move(source, root / "usr" / top)
    return tuple(commands)


def _move(source: Path, target: Path) -> None:
    """Move the tree `source` into `target`, keeping what `target` has."""
    if not target.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        source.rename(target)
        return
    for entry in list(source.iterdir()):
        there = target / entry.name
        if entry.is_dir() and not entry.is_symlink() and there.is_dir():
            _move(entry, there)
        elif there.exists() or there.is_symlink():
            entry.unlink()
        else:
            entry.rename(there)
    source.rmdir()


def _walk(root: Path) -> Iterator[tuple[Path, bool]]:
    """Every path below `root` with whether it is a directory, a directory before what is in it."""
    for entry in sorted(os.scandir(root), key=lambda entry: entry.name):
        directory = entry.is_dir(follow_symlinks=False)
        yield Path(entry.path), directory
        if directory and Path(entry.path).exists():
            yield from _walk(Path(entry.path))


def trim(root: Path, pattern: re.Pattern[str]) -> None:
    for path, directory in _walk(root):
        if not pattern.search(f"/{path.relative_to(root)}"):
            continue
        if directory:
            shutil.rmtree(path)
        else:
            path.unlink()


def paths_below(root: Path) -> dict[str, os.stat_result]:
    return {f"/{path.relative_to(root)}": path.lstat() for path, _ in _walk(root)}
