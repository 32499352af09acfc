"""Which plugins the running daemon goes without, as others read it."""

from pathlib import Path

import pytest

from koji_adjutant.plugins import record
from koji_adjutant.plugins.outages import Outages
from tests.unit.plugins.plugin_files import BROKEN, TASK, loaded


@pytest.fixture
def state(tmp_path: Path) -> Path:
    made = tmp_path / "state"
    made.mkdir()
    return made


def outages(directory: Path) -> Outages:
    return loaded(directory, bad=TASK.format(methods=["own"]) + BROKEN).outages


def test_others_read_why(directory: Path, state: Path) -> None:
    record.keep(state, outages(directory))
    found = record.read(state)
    assert list(found) == ["bad"]
    assert "there_is_no_such_module" in found["bad"]


def test_the_next_start_replaces_it(directory: Path, state: Path) -> None:
    record.keep(state, outages(directory))
    record.keep(state, loaded(directory, good=TASK.format(methods=["other"])).outages)
    assert record.read(state) == {}


@pytest.mark.parametrize("text", [None, "", "[]", '{"out": {"x": 1}}', '{"version": 1}'])
def test_where_there_is_none_that_is_understood_nothing_is_out(state: Path, text: str | None) -> None:
    if text is not None:
        (state / record.NAME).write_text(text)
    assert record.read(state) == {}


def test_a_record_that_cannot_be_written_harms_nobody(
    directory: Path, state: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (state / "file").touch()
    record.keep(state / "file" / "state", outages(directory))
    assert "is not written down" in caplog.text
