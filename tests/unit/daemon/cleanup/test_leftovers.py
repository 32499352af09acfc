"""What has lost its task: by its age, and whatever a clock says of the living."""

import os
from pathlib import Path

import pytest

from koji_adjutant.daemon.cleanup.leftovers import (
    WORKDIR_SECONDS,
    remove_old_files,
    remove_old_logs,
    remove_work_directories,
)
from koji_adjutant.host.files import JUMP

NOW = 2e9
AGE = 14 * 86400.0


def made(path: Path, age: float) -> Path:
    """A file of that age, and the directory that it is in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    for one in (path, path.parent, path.parent.parent):
        os.utime(one, (NOW - age, NOW - age))
    return path


@pytest.mark.parametrize(
    ("age", "living", "stays"),
    [
        (WORKDIR_SECONDS + JUMP + 9, False, False),
        (WORKDIR_SECONDS + JUMP + 9, True, True),
        (WORKDIR_SECONDS + JUMP - 9, False, True),
    ],
)
def test_work_directories(tmp_path: Path, age: float, living: bool, stays: bool) -> None:
    log = made(tmp_path / "tasks" / "711" / "4711" / "logs" / "build.log", age)
    remove_work_directories(tmp_path, lambda: frozenset({4711} if living else {}), NOW)
    assert log.exists() is stays
    assert (tmp_path / "tasks" / "711").exists() is stays
    remove_work_directories(tmp_path, frozenset, NOW - 2 * AGE)


def test_a_young_log_keeps_an_old_directory(tmp_path: Path) -> None:
    log = made(tmp_path / "tasks" / "1" / "1" / "logs" / "build.log", AGE)
    os.utime(log, (NOW, NOW))
    remove_work_directories(tmp_path, frozenset, NOW)
    assert log.exists()


def test_what_is_no_task_of_kojis_stays(tmp_path: Path) -> None:
    other = made(tmp_path / "tasks" / "x" / "mine" / "file", 2 * AGE)
    remove_work_directories(tmp_path, frozenset, NOW)
    assert other.exists()


def test_old_logs(tmp_path: Path) -> None:
    topdir, state = tmp_path / "topdir", tmp_path / "state"
    old = [made(place / "logs" / "1" / "container.log", AGE + JUMP + 9) for place in (topdir, state)]
    young = made(topdir / "logs" / "2" / "container.log", AGE)
    beside = made(topdir / "logs" / "3" / "container.log", AGE + JUMP + 9).with_name("other.log")
    beside.write_text("x")
    foreign = made(topdir / "logs" / "hub" / "container.log", 9 * AGE)
    assert remove_old_logs((topdir, state, tmp_path / "none"), AGE, NOW) == 3
    assert not any(log.parent.exists() for log in old)
    assert young.exists()
    assert beside.exists()
    assert foreign.exists()
    assert remove_old_logs((topdir, state), AGE, NOW) == 0


def test_old_files(tmp_path: Path) -> None:
    old, young = made(tmp_path / "a" / "7", AGE + JUMP + 9), tmp_path / "a" / "8"
    young.write_text("x")
    os.utime(young, (NOW, NOW))
    remove_old_files(tmp_path / "a", AGE, NOW)
    assert not old.exists()
    assert young.exists()
    remove_old_files(tmp_path / "none", AGE, NOW)


def test_empty_directories_of_tasks_go(tmp_path: Path) -> None:
    (tmp_path / "tasks" / "711").mkdir(parents=True)
    kept = tmp_path / "tasks" / "712" / "4712"
    kept.mkdir(parents=True)
    remove_work_directories(tmp_path, frozenset, 0.0)
    assert [path.name for path in (tmp_path / "tasks").iterdir()] == ["712"]
    assert kept.exists()
