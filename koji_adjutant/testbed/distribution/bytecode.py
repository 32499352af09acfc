"""Compiled Python for the distribution's modules.

Debian compiles when a package is installed; RPM distributions ship the result, and without it every fresh
container would compile dnf again. The distribution's own interpreter does it, out of its unpacked trees.
The files are checked by nothing at run time (unchecked hashes), so that times do not matter. Packages are compiled
side by side, each by one process: an interpreter that is run by a linker cannot start itself again.
"""

import os
import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from koji_adjutant.testbed.distribution.programs import run
from koji_adjutant.testbed.distribution.tools import Tools
from koji_adjutant.testbed.distribution.trees import Tree

_LIBRARIES = re.compile(r"/usr/lib/python3(\.\d+|/dist-packages)$")
_INTERPRETER = re.compile(r"/usr/bin/python3\.\d+$")


def compile_modules(trees: Iterable[Tree], tools: Tools) -> list[str]:
    """Compile all modules in `trees`; the names of the packages that got some."""
    trees = list(trees)
    interpreter = next(
        (tree.root / path.lstrip("/") for tree in trees for path in tree.paths if _INTERPRETER.match(path)),
        None,
    )
    if interpreter is None:
        return []
    command = tools.linked(interpreter)
    environment = _environment(trees, interpreter.name)
    libraries = [(tree, [path for path in tree.paths if _LIBRARIES.match(path)]) for tree in trees]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = {
            tree.fields["Package"]: pool.submit(_compile, command, environment, tree.root, below)
            for tree, below in libraries
            if below
        }
    for job in jobs.values():
        job.result()
    return list(jobs)


def _environment(trees: Iterable[Tree], version: str) -> Mapping[str, str]:
    """Where the interpreter finds its own library, which lies in several trees."""
    library = f"/usr/lib/{version}"
    places = {tree.root / library.lstrip("/"): tree for tree in trees if library in tree.paths}
    home = next(tree.root for tree in places.values() if f"{library}/os.py" in tree.paths)
    path = [*places, *(place / "lib-dynload" for place in places)]
    return {
        "PYTHONPATH": os.pathsep.join(map(str, path)),
        "PYTHONHOME": str(home / "usr"),
        # What it imports itself it would compile with the path that it lies at now.
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _compile(
    interpreter: Iterable[str], environment: Mapping[str, str], root: Path, below: Iterable[str]
) -> None:
    places = [str(root / path.lstrip("/")) for path in below]
    options = ["-q", "--invalidation-mode", "unchecked-hash", "-s", str(root), "-p", "/"]
    run([*interpreter, "-S", "-m", "compileall", *options, *places], env=environment)
