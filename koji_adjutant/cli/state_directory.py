"""Where `status` and `logs` look: a daemon's state directory, for its user and for members of the group.

kojid.conf may hold a password, so a member of the group mostly cannot read it. What it would say is then the default,
and the command says that it took it.
"""

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from koji_adjutant.config import DEFAULT_FILE
from koji_adjutant.config.load import state_dir_of
from koji_adjutant.config.options import DEFAULT_STATE_DIR
from koji_adjutant.errors import ConfigError
from koji_adjutant.journal.public import public_directory
from koji_adjutant.monitoring.registry import Registry

GROUP = "koji-adjutant"


def add_options(made: argparse.ArgumentParser) -> None:
    """`--state-dir` and `--config`, of which one says where to look."""
    where = made.add_mutually_exclusive_group()
    where.add_argument("--state-dir", metavar="DIR", type=Path, help="state directory of the daemon")
    where.add_argument(
        *("-c", "--config"),
        metavar="FILE",
        type=Path,
        help=f"configuration that names it (default: {DEFAULT_FILE}, where it can be read)",
    )


def find(given: argparse.Namespace, environment: Mapping[str, str] = os.environ) -> Path:
    """The state directory that is meant, after a line on standard error if that was a guess."""
    if given.state_dir:
        return Path(given.state_dir)
    if given.config:
        return state_dir_of(given.config, environment)
    try:
        return state_dir_of(DEFAULT_FILE, environment)
    except ConfigError as error:
        if DEFAULT_FILE.exists():
            sys.stderr.write(
                f"koji-adjutant: {error}; looking in {DEFAULT_STATE_DIR}, --state-dir names another\n"
            )
        return DEFAULT_STATE_DIR


def check_access(state_dir: Path) -> bool:
    """Whether a daemon has run with this state directory. ConfigError for who may not see what it shows."""
    public = public_directory(state_dir)
    try:
        os.scandir(public).close()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _denied(error) from error
    return True


def _denied(error: OSError) -> ConfigError:
    return ConfigError(
        f"{error.filename}: {error.strerror}",
        hint=f"run as the daemon's user, or as a member of the group {GROUP}",
    )


def read_journal(registry: Registry) -> None:
    """Have `registry` know all that there is. ConfigError for a journal that may not be read."""
    try:
        while not registry.refresh():
            """There is more."""
    except OSError as error:
        raise _denied(error) from error
