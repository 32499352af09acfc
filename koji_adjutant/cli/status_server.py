"""`koji-adjutant status-server`: becomes the status server, a program that knows nothing of hub and engine.

It is another program for the sake of its memory: what this one has loaded by now, it would keep.
"""

import argparse
import os
import sys
from typing import Any

from koji_adjutant.monitoring.arguments import DESCRIPTION, add_arguments

PROGRAM = "koji_adjutant.monitoring"
OPTIONS = {"state_dir": "--state-dir", "own_dir": "--own-dir", "bind": "--bind", "token_file": "--token-file"}


def add_command(commands: Any) -> None:
    """The command."""
    command = commands.add_parser(
        "status-server", help="show the daemon's state over HTTP", description=DESCRIPTION
    )
    add_arguments(command)
    command.set_defaults(run=_become)


def argv_for(given: argparse.Namespace) -> list[str]:
    """The command line of the server itself."""
    options = [
        word
        for name, option in OPTIONS.items()
        if (value := getattr(given, name))
        for word in (option, str(value))
    ]
    return [sys.executable, "-P", "-m", PROGRAM, *options]


def argv_in_state_directory(own: str) -> list[str]:
    """The same, of one that is started in the daemon's state directory, in which it has directory `own`."""
    return argv_for(argparse.Namespace(state_dir=".", own_dir=own, bind=None, token_file=None))


def _become(given: argparse.Namespace) -> int:
    argv = argv_for(given)
    os.execv(argv[0], argv)  # noqa: S606
