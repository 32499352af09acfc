"""Completion for bash: functions that ask nobody, so that a press of the key starts no Python.

Only the numbers of tasks and the names of their logs are looked up, below the default state directory, by the shell.
"""

import argparse
from collections.abc import Mapping

import shtab

from koji_adjutant.cli import arguments, commands
from koji_adjutant.config.options import DEFAULT_STATE_DIR
from koji_adjutant.journal.public import LOGS, PUBLIC, TASKS

_PUBLIC = f"{DEFAULT_STATE_DIR}/{PUBLIC}"
_LOOK_UP = f"""\
_koji_adjutant_tasks() {{
  local file
  for file in {_PUBLIC}/{TASKS}/"$1"*.json; do
    [[ -e $file ]] && file=${{file##*/}} && echo "${{file%.json}}"
  done
}}
_koji_adjutant_logs() {{
  local word file
  for word in "${{COMP_WORDS[@]}}"; do
    [[ $word =~ ^[0-9]+$ ]] || continue
    for file in {_PUBLIC}/{LOGS}/"$word"/"$1"*; do
      [[ -e $file ]] && echo "${{file##*/}}"
    done
  done
}}
"""
_FILES = frozenset({"FILE"})
_DIRECTORIES = frozenset({"DIR"})
_OF_TASKS = {"TASK": "_koji_adjutant_tasks", "NAME": "_koji_adjutant_logs"}


def completions() -> dict[str, str]:
    """The text of each completion by the name of its program."""
    found = {"kojid": arguments.parser(), "koji-adjutant": commands.parser()}
    return {name: _completion(parser) for name, parser in found.items()}


def _completion(parser: argparse.ArgumentParser) -> str:
    _say_what_completes(parser)
    return str(shtab.complete(parser, "bash", preamble=_LOOK_UP)) + "\n"


def _say_what_completes(parser: argparse.ArgumentParser) -> None:
    for action in parser._actions:  # noqa: SLF001  # argparse has no other way to ask
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for one in action.choices.values():
                _say_what_completes(one)
        elif found := _completer(str(action.metavar)):
            setattr(action, "complete", found)  # noqa: B010  # shtab's own attribute


def _completer(metavar: str) -> Mapping[str, object]:
    if metavar in _FILES:
        return shtab.FILE
    if metavar in _DIRECTORIES:
        return shtab.DIRECTORY
    return {"bash": _OF_TASKS[metavar]} if metavar in _OF_TASKS else {}
