"""`koji-adjutant`: what is not the daemon itself. `testbed` has its own commands and is imported only for them."""

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from koji_adjutant import __version__
from koji_adjutant.cli import documents
from koji_adjutant.config import DEFAULT_FILE, load_config
from koji_adjutant.errors import AdjutantError, ConfigError

TESTBED = "koji_adjutant.testbed.cli"


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["testbed"]:
        run: Callable[[Sequence[str]], int] = importlib.import_module(TESTBED).main
        return run(words[1:])
    given = parser().parse_args(words)
    try:
        return _config(given)
    except AdjutantError as error:
        sys.stderr.write(f"koji-adjutant: error: {error}\n")
        return error.exit_code if isinstance(error, ConfigError) else 1


def parser() -> argparse.ArgumentParser:
    """The command line, except what stands behind `testbed`."""
    made = argparse.ArgumentParser(
        prog="koji-adjutant", description="Tools around the daemon, which is kojid."
    )
    made.add_argument("--version", action="version", version=f"koji-adjutant {__version__}")
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("testbed", help="a Koji on one machine", add_help=False)
    config = commands.add_parser("config", help="the daemon's configuration")
    actions = config.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("example", help="print kojid.conf.example")
    actions.add_parser("docs", help="print docs/configuration.md")
    check = actions.add_parser("check", help="read a configuration as the daemon would")
    check.add_argument("-c", "--config", metavar="FILE", type=Path, default=DEFAULT_FILE)
    return made


def _config(given: argparse.Namespace) -> int:
    match given.action:
        case "example":
            sys.stdout.write(documents.example())
        case "docs":
            sys.stdout.write(documents.reference())
        case _:
            sys.stdout.write(documents.summary(load_config(given.config), given.config))
    return 0
