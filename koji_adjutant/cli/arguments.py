"""kojid's command line, flag for flag; what it says about an option of the file becomes an override of it."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from koji_adjutant import __version__
from koji_adjutant.config import DEFAULT_FILE

CHECK = "--check"
FORCE_LOCK = "--force-lock"
_HIDDEN = argparse.SUPPRESS
_VALUES = {
    "user": "log in as this user",
    "password": "password of that user; better kept in the file",
    "maxjobs": "most tasks at a time",
    "minspace": "MB that must be free to take a task",
    "sleeptime": "seconds between two polls of the hub",
    "admin-emails": "addresses that get error messages",
    "topdir": "where the hub's volume is mounted",
    "topurl": "URL of Koji's files",
    "workdir": "scratch directory of the tasks",
    "chroot-tmpdir": "directory for temporary files in the buildroot",
    "pluginpath": "directories of plugins, separated by colons",
    "mockdir": "accepted, without effect",
    "mockuser": "accepted, without effect",
    "pkgurl": _HIDDEN,
}
_SWITCHES = {
    "debug-task": "log debug messages of tasks",
    "debug-xmlrpc": "log calls to the hub",
    "single": "run one task in this process, in the foreground, and end",
}


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """What the command line says beside overrides of options."""

    config: Path
    foreground: bool
    force_lock: bool
    verbose: bool
    skip_main: bool
    check: bool
    overrides: Mapping[str, Any]


def parser() -> argparse.ArgumentParser:
    """The parser of kojid's command line."""
    made = argparse.ArgumentParser(prog="kojid", description="Koji's builder daemon, with podman containers.")
    made.add_argument("--version", action="version", version=f"koji-adjutant {__version__}")
    made.add_argument("-c", "--config", metavar="FILE", type=Path, default=DEFAULT_FILE, help="configuration")
    made.add_argument("-f", "--fg", action="store_true", help="stay in the foreground")
    made.add_argument(FORCE_LOCK, action="store_true", help="take over from a daemon that is logged in")
    made.add_argument("-v", "--verbose", action="store_true", help="log what happens")
    made.add_argument("-d", "--debug", action="store_true", default=None, help="log debug messages")
    made.add_argument("--debug-mock", action="store_true", help=_HIDDEN)
    made.add_argument("--skip-main", action="store_true", help="log in, and end")
    made.add_argument(CHECK, action="store_true", help="say whether the daemon would start, and end")
    made.add_argument("--plugin", action="append", help="load this plugin; may be repeated")
    made.add_argument("-s", "--server", help="URL of the hub")
    for flag, text in _VALUES.items():
        made.add_argument(f"--{flag}", help=text)
    for flag, text in _SWITCHES.items():
        made.add_argument(f"--{flag}", action="store_true", default=None, help=text)
    return made


def parse(argv: Sequence[str]) -> Arguments:
    """The command line; SystemExit with 2 if it is wrong, with 0 after help."""
    given = vars(parser().parse_args(argv))
    names = ("server", "debug", *(flag.replace("-", "_") for flag in (*_VALUES, *_SWITCHES)))
    overrides = {name: given[name] for name in names if given[name] is not None}
    if given["plugin"]:
        overrides["plugin"] = tuple(given["plugin"])
    return Arguments(
        config=given["config"],
        foreground=given["fg"] or bool(given["single"]),
        force_lock=given["force_lock"],
        verbose=given["verbose"],
        skip_main=given["skip_main"],
        check=given["check"],
        overrides=overrides,
    )
