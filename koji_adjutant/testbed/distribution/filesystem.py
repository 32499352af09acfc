"""minidistro-filesystem: the directories that packages share, the links of the /usr merge, the account files.

Every package requires it, so that rpm installs it first, before any file whose owner has to be looked up. All of
it belongs to root, because no other name is known while it is installed.
"""

import shutil
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from koji_adjutant.testbed.distribution.debian import Version
from koji_adjutant.testbed.distribution.packages import FILESYSTEM
from koji_adjutant.testbed.distribution.recipe import DIST, Recipe, RootLayout
from koji_adjutant.testbed.distribution.spec import Spec, file_entry
from koji_adjutant.testbed.distribution.trees import Tree


def directory_modes(trees: Iterable[Tree], shared: Iterable[str], layout: RootLayout) -> dict[str, int]:
    """Path -> permissions of each shared directory; the package first in the alphabet decides."""
    modes: dict[str, int] = {}
    wanted = frozenset(shared)
    for tree in sorted(trees, key=lambda tree: tree.fields["Package"], reverse=True):
        modes.update({path: stat.S_IMODE(tree.paths[path].st_mode) for path in wanted & tree.paths.keys()})
    for path in layout.files:
        modes.setdefault(str(PurePosixPath(path).parent), 0o755)
    return {**modes, **layout.directories}


def fill(root: Path, modes: Mapping[str, int], layout: RootLayout) -> None:
    """Make the tree of the package at `root`."""
    for path in sorted(modes):
        (root / path.lstrip("/")).mkdir(parents=True, exist_ok=True)
    for path, target in layout.links.items():
        (root / path.lstrip("/")).symlink_to(target)
    for path, source in layout.files.items():
        shutil.copyfile(source, root / path.lstrip("/"))


def filesystem_spec(modes: Mapping[str, int], layout: RootLayout, recipe: Recipe) -> Spec:
    directories = [file_entry(path, stat.S_IFDIR | mode) for path, mode in sorted(modes.items())]
    files = [
        file_entry(path, stat.S_IFREG | layout.modes.get(path, 0o644), config=True)
        for path in sorted(layout.files)
    ]
    return Spec(
        name=FILESYSTEM,
        version=Version(epoch="0", version="1", release=f"1{DIST}"),
        summary="Directory layout and account files",
        provides=[*recipe.dropped, "basesystem", "filesystem", "setup"],
        files=[*directories, *sorted(layout.links), *files],
    )
