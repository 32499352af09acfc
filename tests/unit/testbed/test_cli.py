"""What the testbed's commands understand, and what they leave to the koji client."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from koji_adjutant.testbed.cli import main, parser, split


@pytest.mark.parametrize(
    ("given", "ours", "clients"),
    [
        (["up", "--detach"], ["up", "--detach"], []),
        (["koji", "list-tags"], ["koji"], ["list-tags"]),
        (["koji", "--quiet", "list-tags"], ["koji"], ["--quiet", "list-tags"]),
        (["koji", "--dir", "x", "-q", "hello"], ["koji", "--dir", "x"], ["-q", "hello"]),
        (["koji", "--dir=x", "download-logs", "--dir=y"], ["koji", "--dir=x"], ["download-logs", "--dir=y"]),
        (["koji", "--help"], ["koji", "--help"], []),
    ],
)
def test_the_client_gets_its_own_options(
    given: Sequence[str], ours: Sequence[str], clients: Sequence[str]
) -> None:
    assert split(given) == (ours, clients)


def test_the_default_directory() -> None:
    assert parser().parse_args(["status"]).dir == Path(".testbed")


def test_down_where_nothing_is_up(tmp_path: Path) -> None:
    assert main(["down", "--dir", str(tmp_path / "none")]) == 0
    assert not (tmp_path / "none").exists()


def test_the_client_where_nothing_is_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["koji", "--dir", str(tmp_path / "none"), "hello"]) == 2
    assert "testbed up" in capsys.readouterr().err


def test_a_repo_without_an_image(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["up", "--dir", str(tmp_path), "--external-repo", "http://127.0.0.1/repo"]) == 2
    assert "--image" in capsys.readouterr().err


def test_a_second_architecture_is_asked_for(tmp_path: Path) -> None:
    given = parser().parse_args(["up", "--arch", "i686", "--dir", str(tmp_path)])
    assert given.arch == "i686"
    assert parser().parse_args(["up"]).arch is None


def test_the_scheduler_runs_once_a_second_unless_told() -> None:
    assert parser().parse_args(["up"]).run_interval == 1
    assert parser().parse_args(["demo", "--run-interval", "60"]).run_interval == 60


def test_only_architectures_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["up", "--arch", "s390x"])
    assert "s390x" in capsys.readouterr().err
