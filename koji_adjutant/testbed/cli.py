"""`koji-adjutant testbed`: the commands, and what they print. Everything else is in `lifecycle` and `demo`."""

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from koji_adjutant.errors import AdjutantError, ConfigError
from koji_adjutant.testbed import second_arch
from koji_adjutant.testbed.client import run_koji
from koji_adjutant.testbed.demo import demo, report
from koji_adjutant.testbed.distribution.recipe import RELEASE
from koji_adjutant.testbed.hub_process import RUN_INTERVAL
from koji_adjutant.testbed.layout import Layout, layout_at
from koji_adjutant.testbed.lifecycle import Options, bring_down, bring_up

DEFAULT_DIRECTORY = Path(".testbed")


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="koji-adjutant testbed", description="A Koji on one machine.")
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")

    up = _command(commands, "up", "start engine, hub and daemon")
    up.add_argument("--detach", action="store_true", help="return once all runs; `down` ends it")
    up.add_argument(
        "--arch", choices=[second_arch.I686], help=f"also a target that builds for {second_arch.ARCHES}"
    )
    _options(up)
    _command(commands, "down", "stop exactly what `up` has started here")
    _command(commands, "status", "say what runs and how to reach it")
    _options(_command(commands, "demo", "up, build a package, show it, down"))
    koji = _command(commands, "koji", "run the koji client as the hub's administrator")
    koji.add_argument("arguments", nargs="*", metavar="ARGS", help="e.g. list-tasks")
    return made


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, text: str
) -> argparse.ArgumentParser:
    made = commands.add_parser(name, help=text, description=text)
    made.add_argument(
        "--dir", type=Path, default=DEFAULT_DIRECTORY, metavar="DIR", help=f"default: {DEFAULT_DIRECTORY}"
    )
    return made


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--external-repo", metavar="URL", help="packages of a real distribution instead of the mini one"
    )
    command.add_argument("--image", metavar="REF", help="task image for it")
    command.add_argument(
        "--run-interval",
        type=float,
        default=RUN_INTERVAL,
        metavar="SECONDS",
        help=f"between two runs of the hub's scheduler; default: {RUN_INTERVAL:g}, a real hub's is 60",
    )
    command.add_argument(
        "--release",
        default=RELEASE,
        metavar="CODENAME",
        help=f"of Debian, which the mini distribution is made of; default: {RELEASE}, whatever this machine runs",
    )


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0, or 1 for what went wrong, 2 for what was asked wrongly."""
    ours, clients = split(arguments)
    given = parser().parse_args(ours)
    given.arguments = clients
    try:
        return COMMANDS[given.command](layout_at(given.dir), given)
    except ConfigError as error:
        return _fail(error, error.exit_code)
    except AdjutantError as error:
        return _fail(error, 1)


def split(arguments: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """What is ours to understand, and what is the client's: all behind `koji`, but for --dir and --help."""
    end = len(arguments)
    if arguments[:1] == ["koji"]:
        end = 1
        if arguments[1:2] == ["--dir"]:
            end = 3
        elif arguments[1:2] and arguments[1].startswith(("--dir=", "--help", "-h")):
            end = 2
    return arguments[:end], arguments[end:]


def _fail(error: AdjutantError, code: int) -> int:
    print(f"koji-adjutant testbed: error: {error}", file=sys.stderr)
    return code


def _up(layout: Layout, given: argparse.Namespace) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    bring_up(layout, _chosen(given), report.say)
    if given.arch:
        second_arch.add_i686(layout, report.say)
    report.say_how_to_use(layout)
    if given.detach:
        return 0
    report.say("Ctrl-C takes it down")
    with suppress(KeyboardInterrupt):
        while True:
            signal.pause()
    bring_down(layout, report.say)
    return 0


def _chosen(given: argparse.Namespace) -> Options:
    if bool(given.external_repo) != bool(given.image):
        raise ConfigError("--external-repo and --image belong together", hint="give both or neither")
    return Options(
        external_repo=given.external_repo or "",
        image=given.image or "",
        release=given.release,
        run_interval=given.run_interval,
    )


def _down(layout: Layout, _given: argparse.Namespace) -> int:
    bring_down(layout, report.say)
    return 0


def _status(layout: Layout, _given: argparse.Namespace) -> int:
    return 0 if report.say_status(layout) else 1


def _demo(layout: Layout, given: argparse.Namespace) -> int:
    return demo.run(layout, _chosen(given))


def _koji(layout: Layout, given: argparse.Namespace) -> int:
    run_koji(layout, given.arguments)
    return 0


COMMANDS: dict[str, Callable[[Layout, argparse.Namespace], int]] = {
    "up": _up,
    "down": _down,
    "status": _status,
    "demo": _demo,
    "koji": _koji,
}
