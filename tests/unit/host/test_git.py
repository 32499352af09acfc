"""git on this host: too old, not there, or without an end, it is a fault that says so."""

from pathlib import Path

import pytest

from koji_adjutant.errors import BuildFailed, TaskFailed
from koji_adjutant.host.git import check_version, git_environment, run_git


def pretend(directory: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = directory / "git"
    program.write_text(f"#!/bin/bash\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}:/usr/bin:/bin")


def test_the_git_of_this_host_will_do() -> None:
    check_version()


@pytest.mark.parametrize("said", ["git version 2.37.9", "git version 1.8.3.1", "something else"])
def test_a_git_that_is_too_old(said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(tmp_path, f"echo {said}", monkeypatch)
    with pytest.raises(
        TaskFailed, match=f"{said} of this builder cannot be run in a checkout.*2.38 or newer"
    ):
        check_version()


def test_newer_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for said in ("2.38.0", "2.51.0.windows.1", "3.0.0"):
        pretend(tmp_path, f"echo git version {said}", monkeypatch)
        check_version()


def test_no_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TaskFailed, match="there is no git on this builder"):
        check_version()


def test_one_that_does_not_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(tmp_path, "exec sleep 1000", monkeypatch)
    with pytest.raises(BuildFailed, match=r"git status .*: it did not end within 0 s"):
        run_git(tmp_path / ".git", "status", seconds=0.2)


def test_what_it_says_when_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(tmp_path, "printf 'first\\nfatal: \\033[1mno\\n' >&2; exit 3", monkeypatch)
    with pytest.raises(
        BuildFailed, match=r"does not take the repository that was checked out: first; fatal: \\x1b\[1mno"
    ):
        run_git(tmp_path / ".git", "status")
    pretend(tmp_path, "exit 3", monkeypatch)
    with pytest.raises(BuildFailed, match="exit code 3"):
        run_git(tmp_path / ".git", "status")


def test_nothing_of_the_daemon_is_handed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(tmp_path, "env", monkeypatch)
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    monkeypatch.setenv("KOJI_ADJUTANT_PASSWORD", "secret")
    said = run_git(tmp_path / ".git", "status")
    assert "elsewhere" not in said
    assert "secret" not in said
    assert "GIT_CONFIG_GLOBAL=/dev/null" in said


def test_settings_are_counted() -> None:
    found = git_environment(safe__directory="/tree")
    last = int(found["GIT_CONFIG_COUNT"]) - 1
    assert (found[f"GIT_CONFIG_KEY_{last}"], found[f"GIT_CONFIG_VALUE_{last}"]) == ("safe.directory", "/tree")
    assert f"GIT_CONFIG_KEY_{last + 1}" not in found
