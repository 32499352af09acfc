"""Where a testbed keeps what."""

import stat
from pathlib import Path

import pytest

from koji_adjutant.errors import ConfigError
from koji_adjutant.testbed.layout import Layout, layout_at, new_password, write_secret


def test_everything_is_below_its_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    layout = layout_at(Path("here"))
    paths = [value for name in dir(Layout) if isinstance(value := getattr(layout, name), Path)]
    assert len(paths) > 8
    assert all(path.is_relative_to(tmp_path / "here") for path in (*paths, layout.record("kojid")))


def test_one_up_or_down_at_a_time(layout: Layout) -> None:
    with (
        layout.locked(),
        pytest.raises(ConfigError, match="being brought up or down by another process"),
        layout.locked(),
    ):
        pass
    with layout.locked():
        assert (layout.directory / "lock").exists()


def test_a_directory_that_is_made_for_it_is_closed(tmp_path: Path) -> None:
    layout = layout_at(tmp_path / "new" / "testbed")
    with layout.locked():
        assert stat.S_IMODE(layout.directory.stat().st_mode) == 0o700


def test_a_secret_is_ours_from_its_first_byte_on(tmp_path: Path) -> None:
    path = tmp_path / "below" / "secret"
    path.parent.mkdir()
    path.write_text("old")
    path.chmod(0o644)
    write_secret(path, "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_no_two_passwords_are_alike() -> None:
    found = {new_password() for _ in range(50)}
    assert len(found) == 50
    assert min(map(len, found)) >= 30
