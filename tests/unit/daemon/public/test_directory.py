"""Who may read what of the state directory."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from koji_adjutant.config import Config
from koji_adjutant.daemon.public.directory import make_readable
from koji_adjutant.errors import ConfigError
from koji_adjutant.journal.file import FileJournal
from koji_adjutant.journal.phases import HostEvent
from koji_adjutant.journal.public import MonitoringFacts, public_directory, read_facts


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(
        server="http://hub",
        topurls=("http://hub/files",),
        state_dir=tmp_path,
        monitoring_enabled=True,
        monitoring_task_history_ttl=7.0,
    )


def test_one_of_an_earlier_version(config: Config, tmp_path: Path) -> None:
    for name in ("cache", "logs", "unknown"):
        (tmp_path / name).mkdir(mode=0o755)
    for name in ("worker", "journal", "journal.3", "session"):
        (tmp_path / name).touch(mode=0o666)
    (tmp_path / "link").symlink_to("/etc/passwd")
    make_readable(config)
    assert {path.name: mode(path) for path in tmp_path.iterdir() if not path.is_symlink()} == {
        "cache": 0o700,
        "logs": 0o700,
        "unknown": 0o700,
        "worker": 0o600,
        "session": 0o600,
        "journal": 0o640,
        "journal.3": 0o640,
        "public": 0o750,
    }
    assert mode(tmp_path) == 0o710
    assert mode(Path("/etc/passwd")) == 0o644
    facts = read_facts(MonitoringFacts, public_directory(tmp_path) / "monitoring.json")
    assert facts == MonitoringFacts(bind="127.0.0.1:8080", task_history_ttl=7.0)


def test_without_monitoring_there_is_nothing_to_read(config: Config, tmp_path: Path) -> None:
    make_readable(replace(config, monitoring_enabled=False))
    assert not public_directory(tmp_path).exists()
    assert mode(tmp_path) == 0o710


def test_a_journal_is_shared_from_its_first_line_on(config: Config, tmp_path: Path) -> None:
    make_readable(config)
    journal = FileJournal(tmp_path / "journal", rotate_bytes=1, group=os.getegid())
    for _ in range(3):
        journal.record(HostEvent.READY)
    assert {path.name: mode(path) for path in tmp_path.glob("journal*")} == {
        "journal": 0o640,
        "journal.1": 0o640,
    }


def test_a_directory_that_cannot_be_opened(config: Config, tmp_path: Path) -> None:
    (tmp_path / "public").touch()
    with pytest.raises(ConfigError, match="state_dir"):
        make_readable(config)
