"""Completion in a real bash: what a press of the key offers, and that no other program is started for it."""

import shlex
import subprocess
from pathlib import Path

import pytest

from koji_adjutant.config.options import DEFAULT_STATE_DIR
from release.completion import completions

PRESS = """
source {script}
COMP_WORDS=({words} {last}) COMP_CWORD={number} COMP_LINE={line} COMP_POINT={point}
PATH=/nonexistent
_shtab_{function} {program} {last} {previous}
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    for name, text in completions().items():
        # The state directory of a daemon that the test has.
        (tmp_path / name).write_text(text.replace(str(DEFAULT_STATE_DIR), str(tmp_path / "state")))
    return tmp_path


def offered(scripts: Path, *words: str) -> set[str]:
    """What is offered for the last of the words."""
    *before, last = words
    text = PRESS.format(
        script=shlex.quote(str(scripts / before[0])),
        words=shlex.join(before),
        last=shlex.quote(last),
        number=len(before),
        line=shlex.quote(" ".join(words)),
        point=len(" ".join(words)),
        function=before[0].replace("-", "_"),
        program=before[0],
        previous=shlex.quote(before[-1]),
    )
    argv = ["/bin/bash", "--norc", "--noprofile", "-c", text]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, cwd=scripts)
    assert not done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("koji-adjutant", "buil"), {"buildroots"}),
        (("koji-adjutant", "buildroots", ""), {"list", "prune", "shell"}),
        (("koji-adjutant", "status", "--w"), {"--watch"}),
        (("koji-adjutant", "logs", "--l"), {"--list"}),
        (("kojid", "--force"), {"--force-lock"}),
        (("kojid", "--mock"), {"--mockdir", "--mockuser"}),
    ],
)
def test_commands_and_options(scripts: Path, words: tuple[str, ...], found: set[str]) -> None:
    assert offered(scripts, *words) == found


def test_hidden_options_are_not_offered(scripts: Path) -> None:
    assert not offered(scripts, "kojid", "--debug-mock")


def test_tasks_and_their_logs(scripts: Path) -> None:
    public = scripts / "state" / "public"
    (public / "tasks").mkdir(parents=True)
    for task in ("1234", "1299", "77"):
        (public / "tasks" / f"{task}.json").touch()
    logs = public / "logs" / "1234"
    logs.mkdir(parents=True)
    for name in ("build.log", "root.log"):
        (logs / name).touch()
    assert offered(scripts, "koji-adjutant", "logs", "12") == {"1234", "1299"}
    assert offered(scripts, "koji-adjutant", "logs", "1234", "b") == {"build.log"}


def test_files(scripts: Path) -> None:
    (scripts / "other.conf").touch()
    assert "other.conf" in offered(scripts, "kojid", "--config", "oth")
