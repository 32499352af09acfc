"""`koji-adjutant logs`: the logs of a task on this host, as they are written, without the hub.

Without a name all of them come, each below its name, in the order in which they began; with `--follow` to the end of
the task, and the exit code says how it ended. What a log says is shown and not obeyed, but for colours on a terminal.
"""

import argparse
import sys
import time
from contextlib import ExitStack, closing
from functools import partial
from typing import Any

from koji_adjutant.cli import state_directory
from koji_adjutant.cli.buildroots import readable
from koji_adjutant.cli.log_tails import Printer, Tails
from koji_adjutant.errors import ConfigError
from koji_adjutant.monitoring.registry import Registry
from koji_adjutant.monitoring.text import for_terminal
from koji_adjutant.monitoring.views import Outcome, TaskView
from koji_adjutant.names import shown

EXIT_CODES = {
    Outcome.RUNNING: 0,
    Outcome.CLOSED: 0,
    Outcome.FAILED: 1,
    Outcome.LOST: 1,
    Outcome.CANCELED: 3,
    Outcome.REFUSED: 4,
    Outcome.FREED: 4,
}
EXIT_TEXT = """\
exit status with --follow: 0 the task is closed, 1 it failed, 3 it was canceled, 4 it went back to the hub; always: 2
wrong usage, no such task or log, or no permission
"""
LOOK_SECONDS = 0.5


def add_command(commands: Any) -> None:
    """The parser of `logs`."""
    text = "show the logs of a task of this host"
    made = commands.add_parser("logs", help=text, description=text, epilog=EXIT_TEXT)
    made.add_argument("task", metavar="TASK", type=int, help="number of the task")
    made.add_argument("name", metavar="NAME", nargs="?", help="only this log: build.log (default: all)")
    made.add_argument("-f", "--follow", action="store_true", help="go on to the end of the task")
    made.add_argument("--list", action="store_true", help="only say which logs there are, and their sizes")
    state_directory.add_options(made)
    made.set_defaults(run=logs)


def logs(given: argparse.Namespace) -> int:
    """Show them; the exit code of the command."""
    state_dir = state_directory.find(given)
    is_there = state_directory.check_access(state_dir)
    with closing(Registry(state_dir)) as registry, ExitStack() as files:
        task = _task(registry, given.task) if is_there else None
        if task is None:
            raise ConfigError(
                f"task {given.task} is not known in {state_dir}",
                hint="koji-adjutant status shows those that run; ended ones are forgotten after a while",
            )
        names = [for_terminal(log.name) for log in task.logs]
        if given.list:
            sys.stdout.write(
                "".join(f"{readable(log.size):>9}  {for_terminal(log.name)}\n" for log in task.logs)
            )
            return 0
        if given.name and not given.follow and given.name not in {log.name for log in task.logs}:
            raise ConfigError(
                f"task {task.id} has no log {shown(given.name)}", hint=f"it has: {', '.join(names) or 'none'}"
            )
        printer = Printer(sys.stdout, is_terminal=sys.stdout.isatty(), has_headings=not given.name)
        tails = Tails(partial(registry.open_log, task.id), given.name, files)
        try:
            return _show(registry, task, tails, printer, follow=given.follow)
        except KeyboardInterrupt:
            return EXIT_CODES[Outcome.RUNNING]


def _task(registry: Registry, number: int) -> TaskView | None:
    state_directory.read_journal(registry)
    return registry.task(number)


def _show(registry: Registry, task: TaskView, tails: Tails, printer: Printer, *, follow: bool) -> int:
    while True:
        has_ended = task.outcome is not Outcome.RUNNING
        names = [log.name for log in task.logs]
        for name, line in tails.new_lines(names, is_complete=has_ended or not follow):
            printer.write(name, line)
        printer.flush()
        if has_ended or not follow:
            return EXIT_CODES[task.outcome] if follow else 0
        time.sleep(LOOK_SECONDS)
        # Looked at before its logs are read again: after its end nothing is written to them.
        task = _task(registry, task.id) or task
