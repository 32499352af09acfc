"""Who may look at a host: the daemon's user and the members of a group, who cannot change anything."""

import subprocess
from pathlib import Path

import pytest

from koji_adjutant.journal.state import JOURNAL
from tests.fakes.journals import Sample
from tests.integration.cli.conftest import PROGRAM
from tests.integration.cli.group import GROUP, as_member, outside


def run(sample: Sample, user: tuple[str, ...], *words: str) -> subprocess.CompletedProcess[str]:
    argv = [*user, *PROGRAM, *words, "--state-dir", str(sample.state_dir)]
    return subprocess.run(argv, capture_output=True, text=True, check=False, cwd="/")


def looks(directory: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in directory.rglob("*")}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("status",), "builder-01.example.org takes tasks"),
        (("logs", "213", "build.log"), "make[1]: step 399"),
    ],
)
def test_a_member_sees_it_and_changes_nothing(sample: Sample, words: tuple[str, ...], said: str) -> None:
    before = looks(sample.state_dir)
    done = run(sample, as_member(GROUP), *words)
    assert (done.returncode, done.stderr) == (0, "")
    assert said in done.stdout
    assert looks(sample.state_dir) == before


@pytest.mark.parametrize("words", [("status", "--json"), ("logs", "213")])
def test_who_is_not_in_the_group_gets_one_line(sample: Sample, words: tuple[str, ...]) -> None:
    done = run(sample, outside(), *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"koji-adjutant: error: {sample.state_dir / 'public'}: Permission denied; run as the daemon's user, "
        "or as a member of the group koji-adjutant\n"
    )


def test_a_journal_that_only_the_daemon_may_read(sample: Sample) -> None:
    (sample.state_dir / JOURNAL).chmod(0o600)
    done = run(sample, as_member(GROUP), "status")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(
        f"koji-adjutant: error: {sample.state_dir / JOURNAL}: Permission denied; run as"
    )
