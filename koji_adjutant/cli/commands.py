"""`koji-adjutant`: what is not the daemon itself. `testbed` has its own commands and is imported only for them."""

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from koji_adjutant import __version__
from koji_adjutant.cli import buildroots, documents, end_tasks, shell, units
from koji_adjutant.config import DEFAULT_FILE, Config, load_config, site_defaults
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
        chosen: Callable[[argparse.Namespace], int] = getattr(given, "run", _config)
        return chosen(given)
    except AdjutantError as error:
        sys.stderr.write(f"koji-adjutant: error: {error}\n")
        return error.exit_code if isinstance(error, ConfigError) else 1
    except BrokenPipeError:
        # Whoever read our output has seen enough; what is left of it goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def parser() -> argparse.ArgumentParser:
    """The command line, except what stands behind `testbed`."""
    made = argparse.ArgumentParser(
        prog="koji-adjutant", description="Tools around the daemon, which is kojid."
    )
    made.add_argument("--version", action="version", version=f"koji-adjutant {__version__}")
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("testbed", help="a Koji on one machine", add_help=False)
    shell.add_command(buildroots.add_commands(commands))
    units.add_command(commands)
    end_tasks.add_command(commands)
    config = commands.add_parser("config", help="the daemon's configuration")
    actions = config.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("example", help="print kojid.conf.example")
    actions.add_parser("docs", help="print docs/configuration.md")
    check = actions.add_parser("check", help="read a configuration as the daemon would")
    check.add_argument("-c", "--config", metavar="FILE", type=Path, default=DEFAULT_FILE)
    check.add_argument(
        "--site-defaults",
        metavar="FILE",
        type=Path,
        help=f"say what becomes of mock's site configuration (default: {site_defaults.DEFAULT_FILE}, if present)",
    )
    return made


def _config(given: argparse.Namespace) -> int:
    match given.action:
        case "example":
            sys.stdout.write(documents.example())
        case "docs":
            sys.stdout.write(documents.reference())
        case _:
            config = load_config(given.config)
            sys.stdout.write(documents.summary(config, given.config))
            sys.stdout.write(_site_defaults(given.site_defaults, config))
    return 0


def _site_defaults(file: Path | None, config: Config) -> str:
    """What becomes of mock's site configuration; it need not be there unless it was named."""
    chosen = file or site_defaults.DEFAULT_FILE
    if file is None and not chosen.exists():
        return ""
    findings = site_defaults.read_site_defaults(chosen, config)
    return "".join(f"{line}\n" for line in (f"{chosen}: {len(findings)} settings", *findings))
