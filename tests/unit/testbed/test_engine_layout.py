"""Where the files of a testbed's engine are: short enough for podman, and the same for whoever asks."""

from pathlib import Path

import pytest

from koji_adjutant.testbed.engine_probe import LONGEST_RUN_DIRECTORY, Layout


@pytest.mark.parametrize("home", ["/srv/tb/engine", "/srv/" + "a-long-name/" * 8 + "engine"])
def test_the_run_directory_is_short(home: str) -> None:
    brief = Layout(home=Path(home)).brief
    assert len(str(brief / "run")) <= LONGEST_RUN_DIRECTORY
    assert (brief == Path(home)) == (home == "/srv/tb/engine")


def test_it_does_not_depend_on_who_asks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    layout = Layout(home=tmp_path / ("x" * 60))
    before = layout.brief
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert layout.brief == before


def test_two_engines_do_not_meet() -> None:
    long = Path("/srv") / ("x" * 60)
    assert Layout(home=long / "one").brief != Layout(home=long / "two").brief
