from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from koji_adjutant.host.files import boot_id, since_boot
from koji_adjutant.journal.file import Event, encoded
from koji_adjutant.journal.old_lines import OldLines
from koji_adjutant.journal.reader import JournalReader

HOUR = 3600.0


def line(ago: float, *, boot: str = "", clock_off: float = 0.0, since: float | None = None) -> bytes:
    return encoded(
        Event(
            time=datetime.now(UTC) - timedelta(seconds=ago + clock_off),
            name="ready",
            boot_id=boot or boot_id(),
            since_boot=since_boot() - ago if since is None else since,
            pid=1,
        )
    ).rstrip()


@pytest.mark.parametrize(
    ("written", "old"),
    [
        (line(10), False),
        (line(2 * HOUR), True),
        (line(10, clock_off=10 * 365 * 24 * HOUR), False),
        (line(2 * HOUR, clock_off=-2 * HOUR), True),
        (line(10, boot="0a-0b", since=-1e6), False),
        (line(2 * HOUR, boot="0a-0b", since=1e9), True),
        (b'{"time": "2001-01-01T00:00:00.000Z", "task": 1, "phase": "opened", "container": ""}', False),
        (b'{"v": 3, "time": "2001-01-01T00:00:00.000Z", "boot_id": "", "since_boot": 1, ', False),
        (b"torn", False),
        (b"", False),
    ],
)
def test_which_lines_are_old(written: bytes, old: bool) -> None:
    assert OldLines.than(HOUR)(written) is old


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "journal"
    path.write_bytes(line(3 * HOUR) + b"\n" + line(5) + b"\n" + b"torn\n")
    return path


def test_a_reader_passes_over_them(journal: Path) -> None:
    with closing(JournalReader(journal, is_old=OldLines.than(HOUR))) as reader:
        assert len(list(reader.new_events())) == 1
        assert reader.skipped.torn == 1
