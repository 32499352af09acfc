import os
from pathlib import Path

import pytest

from koji_adjutant.host.files import replace_json
from koji_adjutant.journal.public import TaskFacts, logs_directory
from koji_adjutant.monitoring.public_files import Watched, log_path, logs_of, open_log

FACTS = TaskFacts(task=5, method="buildArch", logs=("build.log", "..", "a/b", "", "gone.log", "link.log"))


@pytest.fixture
def logs(state_dir: Path) -> Path:
    directory = logs_directory(state_dir, 5)
    directory.mkdir()
    (directory / "build.log").write_text("hello")
    (directory / "unsaid.log").write_text("x")
    (directory / "link.log").symlink_to("/etc/passwd")
    return directory


def test_a_file_is_read_again_when_it_was_replaced(tmp_path: Path) -> None:
    reads = 0

    def read(path: Path) -> str:
        nonlocal reads
        reads += 1
        return path.read_text()

    path = tmp_path / "file"
    watched = Watched(path, read)
    assert watched.get() is None
    for content in ("1", "2"):
        replace_json(path, content)
        assert [watched.get() for _ in range(3)] == [f'"{content}"'] * 3
    path.unlink()
    assert watched.get() is None
    assert reads == 2


@pytest.mark.parametrize(
    "name", ["..", "a/b", "", "unsaid.log", "BUILD.LOG", "build.log\0", "../5/build.log"]
)
def test_a_name_that_no_log_has_is_no_path(state_dir: Path, logs: Path, name: str) -> None:
    assert log_path(state_dir, FACTS, name) is None


def test_of_a_task_that_says_nothing_there_is_no_log(state_dir: Path) -> None:
    assert log_path(state_dir, None, "build.log") is None


def test_a_log_is_opened_where_it_is(state_dir: Path, logs: Path) -> None:
    path = log_path(state_dir, FACTS, "build.log")
    assert path == logs / "build.log"
    handle = open_log(path)
    assert handle is not None
    with os.fdopen(handle) as file:
        assert file.read() == "hello"


def test_what_is_no_plain_file_is_not_opened(logs: Path, tmp_path: Path) -> None:
    os.mkfifo(logs / "fifo")
    (logs / "directory").mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.symlink_to(logs)
    paths = [logs / "link.log", logs / "fifo", logs / "directory", logs / "none", elsewhere / "build.log"]
    assert [open_log(path) for path in paths] == [None] * 5


def test_logs_that_are_there_have_sizes(state_dir: Path, logs: Path) -> None:
    assert [(log.name, log.size) for log in logs_of(state_dir, FACTS)] == [("build.log", 5)]
