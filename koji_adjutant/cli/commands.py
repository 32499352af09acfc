"""`koji-adjutant`: what is not the daemon itself.

A command imports its own modules alone, when it is called: to load all of them takes a second.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from koji_adjutant import __version__
from koji_adjutant.errors import AdjutantError, ConfigError

TESTBED = "koji_adjutant.testbed.cli"
"""It has a command line of its own."""
MODULES = {
    "status": "status",
    "logs": "task_logs",
    "status-server": "status_server",
    "buildroots": "shell",
    "doctor": "doctor",
    "install-units": "units",
    "end-tasks": "end_tasks",
    "reload": "reload",
    "config": "config_command",
}
"""The module of this package that adds each command, in the order of the help; it may bring others."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        if words[:1] == ["testbed"]:
            return _testbed()(words[1:])
        given = parser([word for word in words[:1] if word in MODULES] or MODULES).parse_args(words)
        chosen: Callable[[argparse.Namespace], int] = given.run
        return chosen(given)
    except AdjutantError as error:
        sys.stderr.write(f"koji-adjutant: error: {error}\n")
        return error.exit_code if isinstance(error, ConfigError) else 1
    except BrokenPipeError:
        # Whoever read our output has seen enough; what is left of it goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _testbed() -> Callable[[Sequence[str]], int]:
    try:
        found: Callable[[Sequence[str]], int] = importlib.import_module(TESTBED).main
    except ModuleNotFoundError as error:
        if error.name != TESTBED.rpartition(".")[0]:
            raise
        raise ConfigError(
            "the testbed is not installed", hint="it is in the package koji-adjutant-testbed"
        ) from error
    return found


def parser(commands: Iterable[str] = MODULES) -> argparse.ArgumentParser:
    """The command line of those commands; what stands behind `testbed` is not in it."""
    made = argparse.ArgumentParser(
        prog="koji-adjutant", description="Tools around the daemon, which is kojid."
    )
    made.add_argument("--version", action="version", version=f"koji-adjutant {__version__}")
    added: Any = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    added.add_parser("testbed", help="a Koji on one machine", add_help=False)
    for name in commands:
        importlib.import_module(f"koji_adjutant.cli.{MODULES[name]}").add_command(added)
    return made
