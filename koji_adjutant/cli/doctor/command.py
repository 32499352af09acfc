"""The command: which checks are run, and the exit code.

0 when nothing fails (warnings are for people, and in `--json`), 1 when something does, 2 when doctor itself could not
do its work: a command line that is wrong, or a check with a fault of its own.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from koji_adjutant.cli.doctor import report
from koji_adjutant.cli.doctor.check import Result, Status
from koji_adjutant.cli.doctor.run import examine
from koji_adjutant.cli.doctor.surroundings import Surroundings
from koji_adjutant.cli.doctor.table import CHECKS, chosen
from koji_adjutant.config import DEFAULT_FILE
from koji_adjutant.errors import ConfigError

FAILED, FAULTY = 1, 2
TEXT = (
    "Look at everything that can be wrong on this host, and change nothing. Exit status 0: nothing fails; "
    "1: something does; 2: doctor itself could not do its work."
)


def add_command(commands: Any) -> None:
    """The parser of `doctor`."""
    made = commands.add_parser(
        "doctor", help="say what is wrong on this host, and what to do", description=TEXT
    )
    made.add_argument("-c", "--config", metavar="FILE", type=Path, default=DEFAULT_FILE)
    made.add_argument(
        "checks", nargs="*", metavar="CHECK", help="only this one (hub.login) or those of a room (hub)"
    )
    made.add_argument("--json", action="store_true", help="for programs")
    made.add_argument("--list", action="store_true", help="print the ids and titles of all checks, and end")
    made.set_defaults(run=doctor)


def doctor(given: argparse.Namespace) -> int:
    """Look, say what was found; exit code."""
    if given.list:
        sys.stdout.write(report.listing(CHECKS))
        return 0
    try:
        checks = chosen(given.checks)
    except KeyError as error:
        raise ConfigError(f"there is no check {error}", hint="koji-adjutant doctor --list has all") from None
    width = max(len(check.id) for check in checks)

    def tell(result: Result) -> None:
        if not given.json:
            sys.stdout.write(report.line(result, width))
            sys.stdout.flush()

    surroundings = Surroundings(given.config)
    try:
        results, is_sound = examine(checks, surroundings, tell)
    finally:
        surroundings.close()
    sys.stdout.write(report.as_json(results) if given.json else report.summary(results))
    if not is_sound:
        return FAULTY
    return FAILED if any(one.finding.status is Status.FAILURE for one in results) else 0
