"""A state directory with a journal that tests write, and the registry that reads it."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from koji_adjutant.journal.file import FileJournal
from koji_adjutant.journal.public import LOGS, TASKS, public_directory
from koji_adjutant.journal.state import JOURNAL
from koji_adjutant.monitoring.registry import Registry


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    """With the directories of public files, as a daemon makes them."""
    for name in (TASKS, LOGS):
        (public_directory(tmp_path) / name).mkdir(parents=True)
    return tmp_path


@pytest.fixture
def journal(state_dir: Path) -> FileJournal:
    return FileJournal(state_dir / JOURNAL)


@pytest.fixture
def registry(state_dir: Path) -> Iterator[Registry]:
    with closing(Registry(state_dir)) as found:
        yield found
