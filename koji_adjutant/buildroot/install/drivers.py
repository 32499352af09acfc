"""The solver's programs, and which package managers they may solve with.

The programs are this package's own text, the same as long as the process lives; a solver gets its copy of them in a
directory of its run.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from koji_adjutant.buildroot.settings import BuildrootSettings
from koji_adjutant.errors import BuildrootFailed

SCRIPTS = Path(__file__).with_name("scripts")
SCRIPT = "solve.py"
PROGRAMS: Mapping[str, str] = {
    name: (SCRIPTS / name).read_text()
    for name in (SCRIPT, "solver_metadata.py", "solver_dnf4.py", "solver_dnf5.py")
}
DIRECTORY = "programs"
"""Where they are, beside the file of the task."""
START = f"""\
import os, runpy, sys
sys.path.insert(0, os.path.join(os.path.dirname(sys.argv[1]), {DIRECTORY!r}))
runpy.run_module({SCRIPT.removesuffix(".py")!r}, run_name="__main__")
"""
COMMAND = ("/usr/bin/python3", "-c", START)
"""How a solver is started; the path of the task's file is added."""
DRIVERS: Mapping[str, str] = {"dnf": "dnf4", "dnf4": "dnf4", "yum": "dnf4", "dnf5": "dnf5"}
"""The driver by mock's name of the package manager. yum is another name of dnf 4 wherever mock runs today."""


def write_programs(directory: Path) -> None:
    """The programs, in the new directory `directory`."""
    directory.mkdir()
    for name, text in PROGRAMS.items():
        (directory / name).write_text(text)


def managers(settings: BuildrootSettings) -> Sequence[tuple[str, Mapping[str, Any]]]:
    """The drivers that may solve, the wanted one first, each with its options."""
    wanted = [(driver(settings), settings.manager_options)]
    others = [(DRIVERS[name], options) for name, options in settings.fallbacks]
    return [
        (name, {"allow_erasing": options.allow_erasing, "set": options.settings})
        for name, options in (*wanted, *others)
    ]


def driver(settings: BuildrootSettings) -> str:
    """The driver that is wanted; BuildrootFailed for a package manager that there is none for."""
    try:
        return DRIVERS[settings.package_manager]
    except KeyError:
        raise BuildrootFailed(
            f"the package manager of tag {settings.tag_name} is {settings.package_manager!r}; "
            f"this builder has {', '.join(DRIVERS)}",
            hint="change mock.package_manager of the tag or, where it has none, package_manager in mock's "
            "site-defaults.cfg; or build on another host",
        ) from None


def program_digest(settings: BuildrootSettings) -> str:
    """A digest of the programs and of which driver is wanted: part of every key of what a solver has made.

    The version of the package manager is that of the task image, whose digest is in these keys as well.
    """
    drivers = [name for name, _ in managers(settings)]
    return hashlib.sha256(repr((sorted(PROGRAMS.items()), drivers)).encode()).hexdigest()
