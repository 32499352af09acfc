"""How long the past is shown."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from koji_adjutant.config import Config
from koji_adjutant.daemon.public.history import remove_history
from koji_adjutant.journal.public import (
    TaskFacts,
    logs_directory,
    public_directory,
    task_facts_file,
    write_facts,
)

NOW = 1_000_000.0


@pytest.fixture
def config(tmp_path: Path) -> Config:
    for name in ("tasks", "logs"):
        (public_directory(tmp_path) / name).mkdir(parents=True)
    return Config(
        server="http://hub",
        topurls=("http://hub/files",),
        state_dir=tmp_path,
        monitoring_enabled=True,
        monitoring_task_history_ttl=100.0,
        monitoring_logs_size=1000,
    )


def show(config: Config, task: int, *, age: float, size: int = 10) -> None:
    file = task_facts_file(config.state_dir, task)
    write_facts(file, TaskFacts(task=task, method="build"))
    log = logs_directory(config.state_dir, task) / "build.log"
    log.parent.mkdir()
    log.write_bytes(b"x" * size)
    for path in (file, log):
        os.utime(path, (NOW - age, NOW - age))


def shown(config: Config) -> dict[int, bool]:
    """The tasks, and whether each has logs."""
    found = public_directory(config.state_dir) / "tasks"
    return {
        int(file.stem): logs_directory(config.state_dir, int(file.stem)).exists() for file in found.iterdir()
    }


def test_what_is_old_goes(config: Config) -> None:
    for task, age in ((1, 200.0), (2, 90.0), (3, 200.0), (4, -50.0)):
        show(config, task, age=age)
    assert remove_history(config, lambda: frozenset({3}), NOW) == 2
    assert shown(config) == {2: True, 3: True}


def test_who_writes_a_log_is_not_old(config: Config) -> None:
    show(config, 1, age=200.0)
    os.utime(logs_directory(config.state_dir, 1) / "build.log", (NOW, NOW))
    assert remove_history(config, frozenset, NOW) == 0
    assert shown(config) == {1: True}


def test_logs_go_by_size_and_the_oldest_first(config: Config) -> None:
    for task, age, size in ((1, 10.0, 900), (2, 50.0, 300), (3, 40.0, 300), (4, 20.0, 300)):
        show(config, task, age=age, size=size)
    remove_history(config, lambda: frozenset({1}), NOW)
    assert shown(config) == {1: True, 2: False, 3: False, 4: False}
    show(config, 5, age=1.0, size=50)
    remove_history(config, lambda: frozenset({1}), NOW)
    assert shown(config)[5]


def test_logs_without_facts_go_too(config: Config) -> None:
    show(config, 1, age=200.0)
    task_facts_file(config.state_dir, 1).unlink()
    stranger = public_directory(config.state_dir) / "tasks" / "notes.txt"
    stranger.touch()
    remove_history(config, frozenset, NOW)
    assert not logs_directory(config.state_dir, 1).exists()
    assert stranger.exists()


def test_where_nothing_is_to_be_shown_nothing_is(config: Config) -> None:
    show(config, 1, age=0.0)
    remove_history(replace(config, monitoring_enabled=False), frozenset, NOW)
    assert not public_directory(config.state_dir).exists()
