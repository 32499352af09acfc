"""Reading a journal while others write it, rotate it and do worse."""

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koji_adjutant.journal.file import KEPT, Event, FileJournal, encoded
from koji_adjutant.journal.phases import HostEvent, Phase
from koji_adjutant.journal.reader import JournalReader, Skipped, read, read_journal


def line(number: int) -> bytes:
    return encoded(Event(time=datetime.now(UTC), name="uploaded", task=number))


def numbers(events: Iterable[Event]) -> list[int]:
    return [event.task or 0 for event in events]


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def reader(path: Path) -> Iterator[JournalReader]:
    with closing(JournalReader(path)) as made:
        yield made


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as stream:
        stream.write(data)


def test_no_journal_has_no_events(path: Path, reader: JournalReader) -> None:
    assert numbers(reader.new_events()) == []
    assert read_journal(path) == []
    append(path, line(1))
    assert numbers(reader.new_events()) == [1]


def test_what_comes_is_read_once(path: Path, reader: JournalReader) -> None:
    append(path, line(1))
    assert numbers(reader.new_events()) == [1]
    assert numbers(reader.new_events()) == []
    append(path, line(2) + line(3))
    assert numbers(reader.new_events()) == [2, 3]


def test_following_ends_when_nobody_waits_any_more(path: Path, reader: JournalReader) -> None:
    left = [2, 3]

    def wait() -> bool:
        if not left:
            return False
        append(path, line(left.pop(0)))
        return True

    append(path, line(1))
    assert numbers(reader.follow(wait)) == [1, 2, 3]


def test_a_line_is_read_when_its_end_has_come(path: Path, reader: JournalReader) -> None:
    whole = line(1)
    for piece in (whole[:10], whole[10:-1]):
        append(path, piece)
        assert numbers(reader.new_events()) == []
    append(path, whole[-1:])
    assert numbers(reader.new_events()) == [1]
    assert not reader.skipped


def test_what_is_no_event_is_passed_over_and_counted(
    path: Path, reader: JournalReader, caplog: pytest.LogCaptureFixture
) -> None:
    newer = b'{"v": 3, "happening": []}\n'
    append(path, b"{\n" + line(1) + b"\0\0\n" + newer + line(2) + b"\n\n" + line(3))
    assert numbers(reader.new_events()) == [1, 2, 3]
    assert reader.skipped == Skipped(torn=2, newer=1)
    read_journal(path)
    assert f"{path}: 2 lines are torn and skipped, 1 are of a newer version" in caplog.text


def test_an_event_that_is_not_known_is_an_event(path: Path, reader: JournalReader) -> None:
    append(path, line(1).replace(b"uploaded", b"teleported"))
    assert [event.name for event in reader.new_events()] == ["teleported"]


def test_a_line_that_is_too_long_is_not_kept(path: Path) -> None:
    reader = JournalReader(path, chunk=1000, longest_line=3000)
    append(path, line(1) + b"x" * 2900)
    assert numbers(reader.new_events()) == [1]
    append(path, b"x" * 6000)
    assert numbers(reader.new_events()) == []
    append(path, b"x" * 10 + b"\n" + line(2) + b"y" * 3500 + b"\n" + line(3))
    assert numbers(reader.new_events()) == [2, 3]
    assert reader.skipped == Skipped(torn=2)
    reader.close()


def test_a_line_that_comes_late_to_a_rotated_file(path: Path, reader: JournalReader) -> None:
    append(path, line(1))
    with path.open("ab") as late:
        FileJournal(path).rotate()
        append(path, line(2))
        assert numbers(reader.new_events()) == [1, 2]
        late.write(line(3))
    assert numbers(reader.new_events()) == [3]


def test_a_file_that_is_emptied_is_read_anew(path: Path, reader: JournalReader) -> None:
    append(path, line(1) + line(2))
    assert numbers(reader.new_events()) == [1, 2]
    os.truncate(path, 0)
    assert numbers(reader.new_events()) == []
    append(path, line(3))
    assert numbers(reader.new_events()) == [3]
    # More than there was before.
    path.write_bytes(line(4) + line(5) + line(6) + line(7))
    assert numbers(reader.new_events()) == [4, 5, 6, 7]


def test_a_file_that_is_replaced_is_read_to_its_end(path: Path, reader: JournalReader) -> None:
    append(path, line(1))
    assert numbers(reader.new_events()) == [1]
    append(path, line(2) + b"{")
    for number in (3, 4, 5):
        new = path.with_name("new")
        new.write_bytes(line(number))
        new.rename(path)
        # Its inode is free for the next one as soon as nobody has it open.
        assert numbers(reader.new_events()) == ([2, 3] if number == 3 else [number])
    assert reader.skipped == Skipped(torn=1)


def test_what_was_removed_is_let_go_of(path: Path, reader: JournalReader) -> None:
    before = descriptors()
    journal = FileJournal(path)
    for number in range(3 * KEPT):
        append(path, line(number))
        assert numbers(reader.new_events()) == [number]
        journal.rotate()
    list(reader.new_events())
    assert descriptors() <= before + KEPT
    reader.close()
    assert descriptors() == before


def test_what_is_no_file_is_none_of_it(path: Path, reader: JournalReader) -> None:
    path.with_name("journal.1").mkdir()
    os.mkfifo(path.with_name("journal.2"))
    append(path, line(1))
    assert numbers(reader.new_events()) == [1]


def test_an_error_of_the_disk_is_the_callers_and_nothing_is_lost(
    path: Path, reader: JournalReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(path, line(1))
    assert numbers(reader.new_events()) == [1]
    append(path, line(2))

    def fail(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pread", fail)
        with pytest.raises(OSError, match="Input/output error"):
            list(reader.new_events())
    assert numbers(reader.new_events()) == [2]


# Whatever happens between two looks, and in the middle of one


@dataclass(kw_only=True)
class Scene:
    """Writers, a rotation now and then, and a reader that takes some events and does not come back for the rest."""

    path: Path
    reader: JournalReader
    written: list[int] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)
    rotations: int = 0
    late: list[int] = field(default_factory=list)
    """Descriptors of writers that have opened the journal, and not written yet."""

    def write(self, handle: int | None = None) -> None:
        """As FileJournal does."""
        number = len(self.written)
        self.written.append(number)
        own = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT) if handle is None else handle
        size = os.fstat(own).st_size
        is_complete = not size or os.pread(own, 1, size - 1) == b"\n"
        os.write(own, (b"" if is_complete else b"\n") + line(number))
        os.close(own)

    def tear(self) -> None:
        append(self.path, line(10**6)[:37])

    def open_late(self) -> None:
        self.late.append(os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT))

    def write_late(self) -> None:
        if self.late:
            self.write(self.late.pop())

    def rotate(self) -> None:
        if self.rotations < KEPT:
            self.rotations += 1
            FileJournal(self.path).rotate()

    def rename_one(self) -> None:
        """A rotation that is broken off after its first step."""
        if self.rotations < KEPT:
            for number in range(KEPT - 1, 0, -1):
                name = self.path.with_name(f"journal.{number}")
                if name.exists():
                    self.rotations += 1
                    name.rename(self.path.with_name(f"journal.{number + 1}"))
                    return

    def look(self, most: int | None = None) -> None:
        self.seen += numbers(islice(self.reader.new_events(), most))

    def end(self) -> None:
        while self.late:
            self.write_late()


STEPS: tuple[Callable[[Scene], None], ...] = (
    Scene.write,
    Scene.write,
    Scene.tear,
    Scene.open_late,
    Scene.write_late,
    Scene.rotate,
    Scene.rename_one,
    Scene.look,
    lambda scene: scene.look(1),
    lambda scene: scene.look(3),
)


@given(st.lists(st.sampled_from(STEPS), max_size=40))
def test_no_line_is_lost_and_none_is_read_twice(steps: list[Callable[[Scene], None]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "journal")
        with closing(JournalReader(path)) as reader:
            scene = Scene(path=path, reader=reader)
            for step in steps:
                step(scene)
            scene.end()
            scene.look()
            assert sorted(scene.seen) == scene.written
        assert sorted(numbers(read(path).events)) == scene.written


def test_it_reads_what_the_daemon_writes(path: Path, reader: JournalReader) -> None:
    journal = FileJournal(path, rotate_bytes=500)
    seen = []
    for number in range(50):
        journal.record(Phase.UPLOADED, task=number)
        journal.record(HostEvent.READY)
        if number % 7 == 0:
            seen += [event for event in reader.new_events() if event.task is not None]
    seen += [event for event in reader.new_events() if event.task is not None]
    assert [event.task for event in seen] == list(range(50))
    assert not reader.skipped


# Going on after a restart


def test_a_reader_goes_on_where_another_was(path: Path) -> None:
    append(path, line(1) + line(2))
    with closing(JournalReader(path)) as first:
        assert numbers(islice(first.new_events(), 1)) == [1]
        places = first.places
    with closing(JournalReader(path, places=places)) as second:
        assert numbers(second.new_events()) == [2]
        append(path, line(3))
        assert numbers(second.new_events()) == [3]


def test_it_goes_on_over_rotations_that_nobody_saw(path: Path) -> None:
    append(path, line(1))
    with closing(JournalReader(path)) as first:
        assert numbers(first.new_events()) == [1]
        append(path, line(2) + line(3)[:20])
        FileJournal(path).rotate()
        append(path, line(4))
        FileJournal(path).rotate()
        append(path, line(5))
        places = first.places
    with closing(JournalReader(path, places=places)) as second:
        assert numbers(second.new_events()) == [2, 4, 5]


def test_a_file_is_known_by_what_is_in_it(path: Path, tmp_path: Path) -> None:
    """Device and inode numbers are others after a boot, or when a state directory was moved to another disk."""
    append(path, line(1))
    with closing(JournalReader(path)) as first:
        assert numbers(first.new_events()) == [1]
        places = first.places
    moved = tmp_path / "moved" / "journal"
    moved.parent.mkdir()
    moved.write_bytes(path.read_bytes() + line(2))
    with closing(JournalReader(moved, places=places)) as second:
        assert numbers(second.new_events()) == [2]


def test_another_file_of_the_same_name_is_read_whole(path: Path) -> None:
    append(path, line(1))
    with closing(JournalReader(path)) as first:
        assert numbers(first.new_events()) == [1]
        places = first.places
    path.write_bytes(line(2) + line(3))
    with closing(JournalReader(path, places=places)) as second:
        assert numbers(second.new_events()) == [2, 3]
