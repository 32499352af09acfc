"""The manual pages, as man and groff show them."""

import argparse
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from koji_adjutant.cli import arguments, commands
from koji_adjutant.config.option import Place
from koji_adjutant.config.options import table
from koji_adjutant.testbed import cli as testbed
from release.manual import pages, roff

WIDTH = "120"
PAGES = pages()
PARSERS = {
    "kojid.8": arguments.parser,
    "koji-adjutant.1": commands.parser,
    "koji-adjutant-testbed.1": testbed.parser,
}


@pytest.fixture
def page(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / str(request.param)
    path.write_text(PAGES[path.name])
    return path


def shown(page: Path) -> str:
    """As `man` writes it into a pipe."""
    environment = {**os.environ, "MANWIDTH": WIDTH, "MAN_KEEP_FORMATTING": "", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        ["man", "--warnings", "--local-file", str(page)],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    assert not done.stderr
    return done.stdout.replace("\u2010", "-").replace("−", "-")


def options(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for one in action.choices.values():
                yield from options(one)
        elif action.help is not argparse.SUPPRESS and not isinstance(action, argparse._HelpAction):
            yield from action.option_strings


@pytest.mark.parametrize("page", PAGES, indirect=True)
def test_groff_has_nothing_to_say(page: Path) -> None:
    argv = ["groff", "-ww", "-man", "-Tutf8", "-z", str(page)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert not done.stdout + done.stderr


@pytest.mark.parametrize("page", PARSERS, indirect=True)
def test_every_option_is_in_the_page(page: Path) -> None:
    text = shown(page)
    names = sorted(set(options(PARSERS[page.name]())))
    assert names
    assert not [name for name in names if not re.search(rf"(?<![\w-]){name}\b", text)]


@pytest.mark.parametrize("page", ["kojid.conf.5"], indirect=True)
def test_every_option_of_the_file_is_in_the_page(page: Path) -> None:
    lines = {line.split()[0] for line in shown(page).splitlines() if line.strip()}
    keys = {
        row.key for row in table() if row.option.has_effect and row.option.place is not Place.COMMAND_LINE
    }
    assert not keys - lines


@pytest.mark.parametrize("page", ["koji-adjutant.1"], indirect=True)
def test_exit_statuses_are_in_the_page(page: Path) -> None:
    statuses = " ".join(shown(page).partition("\nEXIT STATUS\n")[2].split())
    assert re.search(r"koji-adjutant status exit status: 0 the host takes tasks, 1 it does not", statuses)
    assert re.search(r"koji-adjutant logs exit status with --follow: 0 the task is closed", statuses)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a `b` - c", r"a \fBb\fR \- c"),
        (".TP", r"\&.TP"),
        ("'so", r"\&'so"),
        (r"back\slash", r"back\eslash"),
        ("[compatibility.md](compatibility.md#limits)", "compatibility.md"),
    ],
)
def test_text_is_text_to_roff(text: str, line: str) -> None:
    assert roff(text) == line
