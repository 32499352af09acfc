"""What a package's files provide beyond what its fields say: sonames, names of pkgconfig and of Python's packages."""

import re
import stat
from collections.abc import Iterator
from pathlib import Path

from koji_adjutant.testbed.distribution.programs import run
from koji_adjutant.testbed.distribution.python_metadata import parse_metadata, provided
from koji_adjutant.testbed.distribution.tools import ELFDEPS, Tools
from koji_adjutant.testbed.distribution.trees import Tree

_MULTIARCH = r"/[a-z0-9_]+-linux-gnu"
_LIBRARY = re.compile(rf"/usr/lib(64)?({_MULTIARCH})?/[^/]+\.so[.\d]*$")
_PKGCONFIG = re.compile(rf"/usr/(?:lib(?:{_MULTIARCH})?|share)/pkgconfig/(.+)\.pc$")
_PYTHON = re.compile(r"/usr/lib/python3/dist-packages/[^/]+\.(?:dist-info/METADATA|egg-info(?:/PKG-INFO)?)$")


def generated_provides(tree: Tree, tools: Tools) -> list[str]:
    """Sonames, names of pkgconfig and of Python's packages, as rpm's own generators would give."""
    libraries = [
        str(tree.root / path.lstrip("/"))
        for path, status in tree.paths.items()
        if _LIBRARY.match(path) and stat.S_ISREG(status.st_mode) and _is_elf(tree.root / path.lstrip("/"))
    ]
    sonames: list[str] = []
    if libraries:
        listed = "".join(f"{path}\n" for path in libraries)
        sonames = run([*tools.command(ELFDEPS), "--provides"], text=listed).split("\n")
    modules = [f"pkgconfig({match[1]})" for path in tree.paths if (match := _PKGCONFIG.match(path))]
    return sorted({name for name in [*sonames, *modules, *_python_packages(tree)] if name.strip()})


def _python_packages(tree: Tree) -> Iterator[str]:
    for path, status in tree.paths.items():
        if _PYTHON.match(path) and stat.S_ISREG(status.st_mode):
            yield provided(parse_metadata((tree.root / path.lstrip("/")).read_text()))


def _is_elf(path: Path) -> bool:
    """A .so can also be a script for the linker."""
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"
