"""`koji-adjutant reload`: have the daemon start itself anew, if that would succeed (koji_adjutant.daemon.reload).

The check that the daemon makes before a reload by signal is made here first, so that a service manager sees its exit
code; then the daemon gets the signal.
"""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from koji_adjutant.cli.arguments import CHECK, FORCE_LOCK
from koji_adjutant.daemon.reload import CHECK_SECONDS
from koji_adjutant.errors import ConfigError


def start_argv(argv: Sequence[str]) -> list[str]:
    """The arguments to start anew with: `argv` without --force-lock, which holds for the start that a person made."""
    return [word for word in argv if not _forces(word)]


def check_argv(argv: Sequence[str]) -> list[str]:
    """The arguments of the check whether a daemon with the arguments `argv` would start."""
    return [*start_argv(argv), CHECK]


def _forces(word: str) -> bool:
    # Abbreviated, too.
    return len(word) > len("--f") and FORCE_LOCK.startswith(word)


def add_command(commands: Any) -> None:
    """The parser of `reload`."""
    text = "have the daemon start itself anew, if that would succeed; builds go on"
    made: argparse.ArgumentParser = commands.add_parser("reload", help=text, description=text)
    made.add_argument("pid", metavar="PID", type=int, help="main process of the daemon ($MAINPID)")
    made.set_defaults(run=reload)


def reload(given: argparse.Namespace) -> int:
    """Check, and send the signal; the exit code of a check that has failed."""
    process = Path("/proc", str(given.pid))
    try:
        argv = [os.fsdecode(word) for word in (process / "cmdline").read_bytes().split(b"\0")[:-1]]
        directory = (process / "cwd").readlink()
    except OSError as error:
        raise ConfigError(f"process {given.pid}: {error.strerror}", hint="name the daemon's") from error
    if not any("kojid" in word for word in argv):
        raise ConfigError(f"process {given.pid} is no kojid", hint="name the daemon's")
    status = _checked(argv, directory)
    if status == 0:
        os.kill(given.pid, signal.SIGUSR1)
    else:
        sys.stderr.write("koji-adjutant: not reloaded; the daemon goes on as it was\n")
    return status


def _checked(argv: Sequence[str], directory: Path) -> int:
    try:
        return subprocess.run(check_argv(argv), cwd=directory, timeout=CHECK_SECONDS, check=False).returncode
    except subprocess.TimeoutExpired:
        sys.stderr.write(f"koji-adjutant: the check has not ended in {CHECK_SECONDS:.0f} s\n")
    except OSError as error:
        sys.stderr.write(f"koji-adjutant: {argv[0]} cannot be started: {error.strerror}\n")
    return 1
