"""`python -m koji_adjutant.monitoring`: the status server, which `koji-adjutant status-server` becomes.

Imports nothing that it does not need: the daemon's libraries would take as much memory again as the server has.
"""

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from koji_adjutant.errors import ConfigError
from koji_adjutant.monitoring.arguments import DESCRIPTION, add_arguments
from koji_adjutant.monitoring.server import run
from koji_adjutant.monitoring.settings import Given

NICE = 19


def main(argv: Sequence[str] | None = None) -> int:
    """Run the server; its exit code, 2 when something has to be changed before it can run."""
    parser = argparse.ArgumentParser(prog="koji-adjutant status-server", description=DESCRIPTION)
    add_arguments(parser)
    given = parser.parse_args(argv)
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.INFO)
    os.setpriority(os.PRIO_PROCESS, 0, NICE)
    try:
        return run(
            Given(
                state_dir=given.state_dir,
                own_dir=given.own_dir,
                bind=given.bind,
                token_file=given.token_file,
            )
        )
    except ConfigError as error:
        sys.stderr.write(f"koji-adjutant: error: {error}\n")
        return error.exit_code


if __name__ == "__main__":
    raise SystemExit(main())
