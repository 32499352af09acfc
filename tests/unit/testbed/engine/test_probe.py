"""Where the files of a testbed's engine are: short enough for podman, and the same for whoever asks."""

from pathlib import Path

import pytest

from koji_adjutant.errors import ConfigError
from koji_adjutant.testbed.engine.probe import LONGEST_RUN_DIRECTORY, Choice, EngineLayout


@pytest.mark.parametrize("home", ["/srv/tb/engine", "/srv/" + "a-long-name/" * 8 + "engine"])
def test_the_run_directory_is_short(home: str) -> None:
    brief = EngineLayout(home=Path(home)).brief
    assert len(str(brief / "run")) <= LONGEST_RUN_DIRECTORY
    assert (brief == Path(home)) == (home == "/srv/tb/engine")


def test_it_does_not_depend_on_who_asks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    layout = EngineLayout(home=tmp_path / ("x" * 60))
    before = layout.brief
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert layout.brief == before


def test_two_engines_do_not_meet() -> None:
    long = Path("/srv") / ("x" * 60)
    assert EngineLayout(home=long / "one").brief != EngineLayout(home=long / "two").brief


def test_everybody_can_reach_where_roots_are_mounted(tmp_path: Path) -> None:
    """podman 5 mounts the root of a container with a user namespace below TMPDIR, and its users go there."""
    home = tmp_path / "closed" / "engine"
    home.mkdir(parents=True)
    home.parent.chmod(0o700)
    layout = EngineLayout(home=home)
    layout.write(Choice(driver="overlay", runtime="runc", nofile=(1024, 1024), nproc=(1024, 1024)))
    temporary = Path(layout.environment["TMPDIR"])
    try:
        assert all(path.stat().st_mode & 0o001 for path in (temporary, *temporary.parents))
        assert not temporary.stat().st_mode & 0o066
    finally:
        layout.forget()
    assert not temporary.exists()


def test_a_directory_of_somebody_else_is_not_taken(tmp_path: Path) -> None:
    layout = EngineLayout(home=tmp_path)
    layout.temporary.symlink_to(tmp_path)
    try:
        with pytest.raises(ConfigError, match="belongs to somebody else"):
            layout.write(Choice(driver="overlay", runtime="runc", nofile=(1, 1), nproc=(1, 1)))
    finally:
        layout.temporary.unlink()
