"""Files of this host that a checkout wants."""

import os
from pathlib import Path
from typing import Any

from koji_adjutant.policy.scm.host_files import LARGEST, State, look, read


def test_a_file_is_read_and_told_by_its_path(tmp_path: Path) -> None:
    file = tmp_path / "netrc"
    file.write_text("password s3cret")
    given = read("scm_netrc", file)
    assert given.given
    assert given.content == b"password s3cret"
    assert str(given.found) == f"scm_netrc: {file}: present, readable"


def test_home_is_that_of_the_daemons_user(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "x").write_text("1")
    assert read("o", Path("~/x")).found.path == tmp_path / "x"
    assert look("o", Path("~/x")).state is State.GIVEN


def test_what_is_no_configuration_is_not_given(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "large").write_bytes(b"x" * (LARGEST + 1))
    states = [read("o", tmp_path / name).found.state for name in ("fifo", "large", "none", ".")]
    assert states == [State.UNFIT, State.UNFIT, State.ABSENT, State.UNFIT]
    assert read("o", tmp_path / "large").content == b""


def test_what_cannot_be_read_is_said(tmp_path: Path, mocker: Any) -> None:
    (tmp_path / "file").write_text("1")
    mocker.patch("os.open", side_effect=PermissionError(13, "no"))
    mocker.patch("os.access", return_value=False)
    assert read("o", tmp_path / "file").found.state is State.UNREADABLE
    assert str(look("o", tmp_path)) == f"o: {tmp_path}: present, not readable by the daemon"
    assert look("o", tmp_path / "none").state is State.ABSENT
