"""A task as it is shown: its logs grow where they are shown, and stay."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from koji_adjutant.journal.public import (
    TaskFacts,
    logs_directory,
    public_directory,
    read_facts,
    task_facts_file,
)
from koji_adjutant.journal.shown_task import UNSHOWN, ShownTask

FACTS = TaskFacts(task=7, method="buildArch")


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    for name in ("tasks", "logs"):
        (public_directory(tmp_path / "state") / name).mkdir(parents=True)
    return tmp_path / "state"


@pytest.fixture
def shown(state_dir: Path) -> ShownTask:
    made = ShownTask(state_dir, FACTS, os.getegid())
    made.begin()
    return made


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A directory of another file system."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        yield Path(directory)


def test_facts_become_known(state_dir: Path, shown: ShownTask) -> None:
    file = task_facts_file(state_dir, 7)
    assert read_facts(TaskFacts, file) == FACTS
    shown.update(owner="kojira", average_seconds=12.5)
    assert read_facts(TaskFacts, file) == TaskFacts(
        task=7, method="buildArch", owner="kojira", average_seconds=12.5
    )


def test_a_log_is_its_own_file(state_dir: Path, shown: ShownTask, tmp_path: Path) -> None:
    log = tmp_path / "work" / "build.log"
    log.parent.mkdir()
    log.touch(mode=0o644)
    assert shown.log("build.log", log) is None
    log.write_text("it grows\n")
    seen = logs_directory(state_dir, 7) / "build.log"
    assert seen.samefile(log)
    shutil.rmtree(log.parent)
    assert seen.read_text() == "it grows\n"
    assert seen.stat().st_mode & 0o777 == 0o640
    assert seen.parent.stat().st_mode & 0o777 == 0o750
    facts = read_facts(TaskFacts, task_facts_file(state_dir, 7))
    assert facts is not None
    assert facts.logs == ("build.log",)


def test_on_another_file_system_it_is_a_copy(state_dir: Path, shown: ShownTask, elsewhere: Path) -> None:
    log = elsewhere / "build.log"
    log.touch()
    assert log.stat().st_dev != state_dir.stat().st_dev, "no other file system here"
    copy = shown.log("build.log", log)
    assert copy is not None
    os.write(copy, b"it grows\n")
    os.close(copy)
    seen = logs_directory(state_dir, 7) / "build.log"
    assert seen.read_text() == "it grows\n"
    assert seen.stat().st_mode & 0o777 == 0o640


def test_what_an_earlier_run_has_shown_goes(state_dir: Path, shown: ShownTask, tmp_path: Path) -> None:
    log = tmp_path / "root.log"
    log.touch()
    shown.log("root.log", log)
    again = ShownTask(state_dir, FACTS, os.getegid())
    again.begin()
    assert not logs_directory(state_dir, 7).exists()
    again.log("root.log", log)
    assert (logs_directory(state_dir, 7) / "root.log").samefile(log)


def test_what_cannot_be_shown_fails_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, state_dir: Path
) -> None:
    shutil.rmtree(public_directory(state_dir))
    lost = ShownTask(state_dir, FACTS, os.getegid())
    lost.begin()
    log = tmp_path / "build.log"
    log.touch()
    assert lost.log("build.log", log) is None
    said = [record.getMessage() for record in caplog.records]
    assert any("7.json not written" in line for line in said)
    assert any("build.log is not shown" in line for line in said)


def test_where_nothing_is_shown(tmp_path: Path) -> None:
    UNSHOWN.update(owner="nobody")
    assert UNSHOWN.log("build.log", tmp_path) is None
    assert not list(tmp_path.iterdir())
