"""`koji-adjutant end-tasks`: what a stop does, where there is no main process that could do it.

Task processes outlive a main process that dies, for the next one to take over. When no next one is to come, they are
ended here as the daemon ends them. systemd calls it each time that the service is down (`--after UNIT`), and says to it
how the main process has ended, but not whether it will start another: only a job that stops the unit tells a stop from
the pause before a restart. A crash while the unit is stopped, or a daemon that had to be killed then, has the result
that any other crash has.
"""

import argparse
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import koji
import requests

from koji_adjutant.cli.kojid import assemble, make_services
from koji_adjutant.cli.own_paths import with_own_paths
from koji_adjutant.config import DEFAULT_FILE, Config, load_config
from koji_adjutant.daemon.cleanup.sweeps import Sweeps
from koji_adjutant.daemon.hand_back import LAST_CALL_SECONDS
from koji_adjutant.daemon.sessions import OwnSession
from koji_adjutant.daemon.tasks import adoption
from koji_adjutant.daemon.tasks.state import StateDirectory
from koji_adjutant.daemon.tasks.task_process import STOP_GRACE
from koji_adjutant.errors import AdjutantError, Problem
from koji_adjutant.hub.session import login, open_session

JOBS = ("systemctl", "list-jobs", "--no-legend", "--no-pager", "--plain")
JOBS_SECONDS = 5.0


def add_command(commands: Any) -> None:
    """The parser of `end-tasks`."""
    text = "end the tasks that go on after the daemon is gone, and give them back to the hub"
    made: argparse.ArgumentParser = commands.add_parser("end-tasks", help=text, description=text)
    made.add_argument("-c", "--config", metavar="FILE", type=Path, default=DEFAULT_FILE)
    made.add_argument(
        "--after", metavar="UNIT", help="only if systemd is about to stop UNIT, not to start it again"
    )
    made.set_defaults(run=end_tasks)


def end_tasks(given: argparse.Namespace) -> int:
    """`end-tasks`: end the tasks, and print which; exit code."""
    config = with_own_paths(load_config(given.config))
    state = StateDirectory(config.state_dir)
    if given.after and (not any(True for _ in state.all()) or not is_being_stopped(given.after)):
        return 0
    with ExitStack() as stack:
        stack.callback(state.unlock)
        state.lock()
        tasks = [str(one.task) for one in state.all() if one.is_alive()]
        problem = _end(stack, config, state)
    sys.stdout.write(f"ended: {', '.join(tasks) or 'no task'}\n")
    if problem:
        sys.stdout.write(
            f"the hub does not know yet, and will by itself in a quarter of an hour: {problem}\n"
        )
    return 0


def _end(stack: ExitStack, config: Config, state: StateDirectory) -> Problem | None:
    """End all tasks of the state directory; why the hub could not be told, None when it was."""
    session = open_session(config)
    session.give_up_early()
    session.opts = {**session.opts, "timeout": LAST_CALL_SECONDS}
    own = OwnSession(state, config.server)
    try:
        login(session, config, before_lock=own.replace)
        daemon = assemble(stack, config, session, state)
    except (AdjutantError, koji.GenericError, requests.RequestException) as error:
        adoption.end_all(state, STOP_GRACE)
        Sweeps(services=make_services(stack, config, state), state=state).everything()
        return Problem(str(error))
    daemon.running.adopt()
    problem = daemon.end()
    if not session.logged_in:
        own.end()
    return problem


def is_being_stopped(unit: str) -> bool:
    """Whether systemd has a job that stops `unit`; False when systemd cannot be asked."""
    try:
        done = subprocess.run(JOBS, capture_output=True, text=True, timeout=JOBS_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        sys.stderr.write(f"whether systemd stops {unit} is unknown, so tasks go on: {error}\n")
        return False
    jobs = (line.split() for line in done.stdout.splitlines())
    return any(words[1:3] == [unit, "stop"] for words in jobs)
