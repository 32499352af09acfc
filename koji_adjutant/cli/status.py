"""`koji-adjutant status`: what the host does, and why it takes no tasks, from what the daemon shows of itself.

It asks nobody: it reads the journal and `<state_dir>/public`, as the status server does, and so works without that,
and for a daemon that hangs or is dead. Exit code 0 when the host takes tasks, 1 when it does not, 3 when no daemon
runs, and 2 for a wrong command line or a state directory that may not be read.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import fields, is_dataclass
from typing import Any

from rich.console import Console
from rich.live import Live

from koji_adjutant.cli import state_directory
from koji_adjutant.cli.status_screen import Status, screen
from koji_adjutant.errors import ConfigError
from koji_adjutant.monitoring.registry import Registry
from koji_adjutant.monitoring.views import Outcome

READY, NOT_READY, NO_DAEMON = 0, 1, 3
EXIT_TEXT = (
    "exit status: 0 the host takes tasks, 1 it does not, 2 wrong usage or no permission, 3 no daemon runs"
)
FAILURES = 5
LOOK_SECONDS = 1.0
WIDTH = 160
"""Columns where there is no terminal to ask."""
_BAD = frozenset({Outcome.FAILED, Outcome.LOST})


def add_command(commands: Any) -> None:
    """The parser of `status`."""
    text = "show what the host does, and why it takes no tasks"
    made = commands.add_parser("status", help=text, description=text, epilog=EXIT_TEXT)
    made.add_argument(
        "--json", action="store_true", help="for programs; with --watch, a line for each change"
    )
    made.add_argument("--watch", action="store_true", help="look again every second, until it is interrupted")
    state_directory.add_options(made)
    made.set_defaults(run=status)


def status(given: argparse.Namespace) -> int:
    """Show it; the exit code says how the host stands."""
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, emoji=False, width=WIDTH)
        if given.watch and not given.json:
            raise ConfigError("--watch needs a terminal", hint="--watch --json writes lines for programs")
    state_dir = state_directory.find(given)
    if not state_directory.check_access(state_dir):
        sys.stderr.write(f"koji-adjutant: no daemon has run with {state_dir}; --state-dir names another\n")
        return NO_DAEMON
    with closing(Registry(state_dir)) as registry:
        looks = _looks(registry) if given.watch else iter([look(registry)])
        if given.json:
            return _last(looks, JsonLines(is_indented=not given.watch).write)
        if not given.watch:
            return _last(looks, lambda shown: console.print(screen(shown)))
        with Live(console=console, screen=True, auto_refresh=False) as live:
            return _last(looks, lambda shown: live.update(screen(shown), refresh=True))


def look(registry: Registry, now: float | None = None) -> Status:
    """What there is to show now."""
    state_directory.read_journal(registry)
    tasks = registry.tasks()
    ended = sorted((task for task in tasks if task.ended), key=lambda task: task.ended or 0.0, reverse=True)
    return Status(
        host=registry.host(),
        running=tuple(task for task in reversed(tasks) if task.outcome is Outcome.RUNNING),
        failures=tuple(task for task in ended if task.outcome in _BAD)[:FAILURES],
        cache=registry.cache(),
        time=time.time() if now is None else now,
    )


def exit_code(shown: Status) -> int:
    """How the host stands."""
    if not shown.host.alive:
        return NO_DAEMON
    return READY if shown.host.ready else NOT_READY


class JsonLines:
    """Writes what has changed since the last time."""

    def __init__(self, *, is_indented: bool) -> None:
        self._indent = 2 if is_indented else None
        self._before: Any = None

    def write(self, shown: Status) -> None:
        """A JSON object for `shown`, if it says something new."""
        content = {**plain(shown), "warnings": list(shown.warnings)}
        # What changes with the clock alone is no news.
        news = {**content, "time": 0, "host": {**content["host"], "sentence": "", "last_poll": 0}}
        if news != self._before:
            sys.stdout.write(json.dumps(content, indent=self._indent) + "\n")
            sys.stdout.flush()
        self._before = news


def plain(value: Any) -> Any:
    """A view as JSON has it."""
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {name: plain(content) for name, content in value.items()}
    return [plain(one) for one in value] if isinstance(value, tuple) else value


def _looks(registry: Registry) -> Iterator[Status]:
    while True:
        yield look(registry)
        time.sleep(LOOK_SECONDS)


def _last(looks: Iterator[Status], show: Callable[[Status], None]) -> int:
    """Show all of them; the exit code for the last, also when somebody interrupts."""
    code = NO_DAEMON
    with suppress(KeyboardInterrupt):
        for shown in looks:
            show(shown)
            code = exit_code(shown)
    return code
