"""What a build host with koji-adjutant requires of PyPI, as a repository of RPMs beside the mini distribution's.

It is apart from the distribution, which every testbed has, so that this is not made again for its sake. One package of
Debian is in it, of whose content PyPI has no wheel. Made once for each distribution and list of wheels, and then only
read; one run at a time works on a directory.
"""

import dataclasses
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from koji_adjutant.testbed.distribution.archive import Archive
from koji_adjutant.testbed.distribution.closure import read_candidates
from koji_adjutant.testbed.distribution.distribution import Distribution, only_run
from koji_adjutant.testbed.distribution.packages import Conversion, conversion
from koji_adjutant.testbed.distribution.programs import ProgramFailed, run
from koji_adjutant.testbed.distribution.recipe import MACHINE, read_recipe, read_root_layout
from koji_adjutant.testbed.distribution.spec import pack
from koji_adjutant.testbed.distribution.trees import Tree, unpack
from koji_adjutant.testbed.distribution.wheels import Interpreter, wheel_trees

WHEELS = Path(__file__).parent / "data" / "wheels.txt"
OF_DEBIAN = ("python3-gssapi",)
_INTERPRETER = re.compile(r"python3\.\d+-(?P<version>3\.\d+\.\d+)-[^-]+\.rpm")

Progress = Callable[[str], None]


class _Packages(Archive):
    """Single packages of Debian's archive."""

    def fetch(self, name: str, directory: Path) -> Path:
        """The newest `name`, without what it depends on."""
        directory.mkdir()
        try:
            self._apt("download", name, cwd=directory)
        except ProgramFailed:
            # The lists are older than what the archive has.
            self.refresh()
            self._apt("download", name, cwd=directory)
        (found,) = directory.glob("*.deb")
        return found


def make_additions(distribution: Distribution, directory: Path, progress: Progress) -> Path:
    """The repository at `directory`, made when it is not there or is of something else."""
    directory.mkdir(parents=True, exist_ok=True)
    stamp, identity = directory / "stamp", _identity(distribution)
    with only_run(directory, progress):
        if stamp.exists() and stamp.read_text() == identity:
            return directory / "repo"
        stamp.unlink(missing_ok=True)
        with tempfile.TemporaryDirectory(prefix="work-", dir=directory) as work:
            made = _make(distribution, directory, Path(work))
            shutil.rmtree(directory / "repo", ignore_errors=True)
            made.rename(directory / "repo")
        stamp.write_text(identity)
    progress(f"{len(list((directory / 'repo').glob('*.rpm')))} packages beside the distribution's")
    return directory / "repo"


def _identity(distribution: Distribution) -> str:
    own = hashlib.sha256(distribution.digest.encode())
    for path in (WHEELS, Path(__file__)):
        own.update(path.read_bytes())
    return own.hexdigest()


def pack_trees(distribution: Distribution, trees: Sequence[Tree], packages: Path, work: Path) -> None:
    """Make `packages` a repository of RPMs of `trees`, which may require what the distribution has."""
    common = _common(distribution, trees)
    packages.mkdir()

    def make(tree: Tree) -> None:
        pack(
            common.spec(tree), tree.root, work / "build" / tree.root.name, packages, tools=distribution.tools
        )

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(make, trees))
    run([*distribution.tools.command("createrepo_c"), "--quiet", "--no-database", packages])


def interpreter_of(distribution: Distribution) -> Interpreter:
    """The distribution's Python."""
    files = (distribution.repo / "Packages").iterdir()
    (version,) = {found["version"] for path in files if (found := _INTERPRETER.fullmatch(path.name))}
    return Interpreter(version=version, machine=MACHINE)


def _make(distribution: Distribution, directory: Path, work: Path) -> Path:
    recipe, trees = read_recipe(MACHINE), work / "trees"
    trees.mkdir()
    archive = _Packages(distribution.directory, recipe.machine.debian, distribution.release)
    debs = [archive.fetch(name, work / name) for name in OF_DEBIAN]
    interpreter = interpreter_of(distribution)
    unpacked = [
        *wheel_trees(WHEELS, directory / "wheels", trees, interpreter, recipe.machine.debian),
        *(unpack(deb, trees / deb.name.partition("_")[0], recipe) for deb in debs),
    ]
    pack_trees(distribution, unpacked, work / "repo", work)
    return work / "repo"


def _common(distribution: Distribution, trees: Sequence[Tree]) -> Conversion:
    """What all of them have in common; they may require what the distribution has."""
    recipe = read_recipe(MACHINE)
    own = conversion(trees, recipe, read_root_layout(recipe.machine.multiarch), distribution.tools)
    theirs = {name for one in read_candidates(distribution.repo).values() for name in one.provides}
    return dataclasses.replace(own, known=own.known | theirs)
