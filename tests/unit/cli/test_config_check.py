"""`koji-adjutant config check`: what is in force, and no secret."""

from pathlib import Path

import pytest

from koji_adjutant.cli.commands import main


def test_check_shows_no_secret(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "kojid.conf"
    file.write_text(
        "[kojid]\nserver=http://h/kojihub\ntopurl=http://h/k\npassword=pa55word\nmockdir=/m\nsleeptime=3\n"
    )
    assert main(["config", "check", "--config", str(file)]) == 0
    out = capsys.readouterr().out
    assert "[kojid] sleeptime = 3\n" in out
    assert "pa55word" not in out
    assert "mockdir = /m  # no effect" in out


def test_check_of_a_bad_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "kojid.conf"
    file.write_text("[kojid]\nserver=http://h/kojihub\ntopurl=http://h/k\nsleeptime=x\n")
    assert main(["config", "check", "-c", str(file)]) == 2
    assert capsys.readouterr().err.startswith(f"koji-adjutant: error: {file}: option sleeptime = 'x'")


def test_check_shows_what_stands_one_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "kojid.conf"
    file.write_text(
        "[kojid]\nserver = http://hub/kojihub\ntopurl = http://hub/files\n"
        "[adjutant]\nlimits = memory=1G pids=none\nbuild_env = A=b c\nbuild_macros =\n  %one 1\n  %two 2 = 2\n"
    )
    assert main(["config", "check", "-c", str(file)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert "[adjutant] limits = memory=1073741824 pids=none" in said
    assert "[adjutant] build_env = A=b c" in said
    assert "[adjutant] build_macros = %one 1; %two 2 = 2" in said
