"""`koji-adjutant config`: the daemon's configuration, and the documents that are made of what the program knows."""

import argparse
import sys
from typing import Any

from koji_adjutant.cli import config_check, documents
from koji_adjutant.monitoring import document


def add_command(commands: Any) -> None:
    """The parsers of `config`."""
    config = commands.add_parser("config", help="the daemon's configuration")
    actions = config.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, text in (
        ("example", "print kojid.conf.example"),
        ("docs", "print docs/configuration.md"),
        ("monitoring", "print docs/monitoring.md"),
        ("alerts", "print alert rules for Prometheus"),
    ):
        actions.add_parser(name, help=text).set_defaults(run=_print)
    config_check.add_action(actions)


def _print(given: argparse.Namespace) -> int:
    made = {
        "example": documents.example,
        "docs": documents.reference,
        "monitoring": document.page,
        "alerts": document.ALERTS.read_text,
    }
    sys.stdout.write(made[given.action]())
    return 0
