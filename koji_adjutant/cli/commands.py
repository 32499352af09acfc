"""`koji-adjutant`: what is not the daemon itself. `testbed` has its own commands and is imported only for them."""

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence

from koji_adjutant import __version__
from koji_adjutant.cli import (
    buildroots,
    config_check,
    doctor,
    documents,
    end_tasks,
    reload,
    shell,
    status,
    status_server,
    task_logs,
    units,
)
from koji_adjutant.errors import AdjutantError, ConfigError
from koji_adjutant.monitoring import document

TESTBED = "koji_adjutant.testbed.cli"


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        if words[:1] == ["testbed"]:
            return _testbed()(words[1:])
        given = parser().parse_args(words)
        chosen: Callable[[argparse.Namespace], int] = getattr(given, "run", _config)
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


def parser() -> argparse.ArgumentParser:
    """The command line, except what stands behind `testbed`."""
    made = argparse.ArgumentParser(
        prog="koji-adjutant", description="Tools around the daemon, which is kojid."
    )
    made.add_argument("--version", action="version", version=f"koji-adjutant {__version__}")
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("testbed", help="a Koji on one machine", add_help=False)
    status.add_command(commands)
    task_logs.add_command(commands)
    status_server.add_command(commands)
    shell.add_command(buildroots.add_commands(commands))
    doctor.add_command(commands)
    units.add_command(commands)
    end_tasks.add_command(commands)
    reload.add_command(commands)
    config = commands.add_parser("config", help="the daemon's configuration")
    actions = config.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("example", help="print kojid.conf.example")
    actions.add_parser("docs", help="print docs/configuration.md")
    actions.add_parser("monitoring", help="print docs/monitoring.md")
    actions.add_parser("alerts", help="print alert rules for Prometheus")
    config_check.add_command(actions)
    return made


def _config(given: argparse.Namespace) -> int:
    made = {
        "example": documents.example,
        "docs": documents.reference,
        "monitoring": document.page,
        "alerts": document.ALERTS.read_text,
    }
    sys.stdout.write(made[given.action]())
    return 0
