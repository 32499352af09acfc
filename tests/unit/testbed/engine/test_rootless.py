"""What an engine of an ordinary user is told, and whose process is never ended for it."""

import os
from pathlib import Path

import pytest

from koji_adjutant.testbed.engine import rootless
from koji_adjutant.testbed.engine.probe import Choice, EngineLayout, probe

CHOICE = Choice(driver="overlay", runtime="runc", nofile=(1024, 1024), nproc=(1024, 1024))


@pytest.fixture
def user(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process takes itself for one of an ordinary user's; files are still its own."""
    monkeypatch.setattr(rootless, "is_rootless", lambda: True)


def test_who_is_root_works_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert rootless.inside(["rpm", "-qa"]) == ["rpm", "-qa"]
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert rootless.inside(["rpm", "-qa"]) == ["podman", "unshare", "rpm", "-qa"]


@pytest.mark.usefixtures("user")
def test_storage_and_run_directory_are_the_engines_own(tmp_path: Path) -> None:
    layout = EngineLayout(home=tmp_path / "e")
    layout.write(CHOICE)
    try:
        said = (layout.home / "storage.conf").read_text()
        assert f'rootless_storage_path = "{layout.storage}"' in said
        # podman has it there, whatever it is told.
        assert layout.run == Path(layout.environment["XDG_RUNTIME_DIR"]) / "containers"
        assert layout.run.is_dir()
        assert f'runroot = "{layout.run}"' in said
    finally:
        layout.forget()
    assert not layout.run.exists()


def test_an_engine_of_root_has_no_runtime_directory_of_a_user(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(rootless, "is_rootless", lambda: False)
    assert "XDG_RUNTIME_DIR" not in EngineLayout(home=tmp_path).environment


def test_a_number_that_was_reused_is_nobody_of_the_engines(tmp_path: Path) -> None:
    record = tmp_path / rootless.KEEPER
    assert rootless.keeper(record) is None
    record.write_text(str(os.getpid()))
    assert rootless.keeper(record) is None
    rootless.end_namespaces(record, 0.1)
    assert not record.exists()


@pytest.mark.usefixtures("user")
def test_what_a_user_lacks_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None if name == "newuidmap" else f"/usr/bin/{name}")
    with pytest.raises(Exception, match="not on this host: newuidmap") as caught:
        probe(tmp_path)
    assert "uidmap" in str(caught.value)
