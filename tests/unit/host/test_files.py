"""Files that are replaced as a whole, and what a killed process leaves of them."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.host.files import (
    ABANDONED_SECONDS,
    PARTIAL,
    remove_partial,
    remove_partial_below,
    replace_json,
)
from tests.unit.partial_files import killed_while_writing


def aged(path: Path, seconds: float) -> Path:
    when = time.time() - seconds
    os.utime(path, (when, when))
    return path


def test_it_is_there_as_a_whole(tmp_path: Path) -> None:
    replace_json(tmp_path / "a.json", {"a": 1}, mode=0o644)
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": 1}
    assert (tmp_path / "a.json").stat().st_mode & 0o777 == 0o644
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_what_a_killed_process_left_goes(tmp_path: Path) -> None:
    left = killed_while_writing(tmp_path / "a.json")
    remove_partial(tmp_path)
    assert not left.exists()


def test_what_is_being_written_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dump = json.dump

    def look(content: Any, file: Any) -> None:
        remove_partial(tmp_path)
        dump(content, file)

    monkeypatch.setattr(json, "dump", look)
    replace_json(tmp_path / "a.json", [7])
    assert json.loads((tmp_path / "a.json").read_text()) == [7]


def test_a_pid_that_another_has_now_keeps_nothing(tmp_path: Path) -> None:
    left = killed_while_writing(tmp_path / "a.json")
    pid, started, where, random = left.name.removeprefix(PARTIAL).split("-", 3)
    again = left.rename(tmp_path / f"{PARTIAL}{os.getpid()}-{started}-{where}-{random}")
    remove_partial(tmp_path)
    assert not again.exists()
    assert int(pid) != os.getpid()


@pytest.mark.parametrize(
    ("name", "age", "stays"),
    [
        ("1-1-00000000-a", 0.0, True),
        ("1-1-00000000-a", ABANDONED_SECONDS + 60, False),
        ("1-abcdefgh", 0.0, True),
        ("1-abcdefgh", ABANDONED_SECONDS + 60, False),
        ("99999999-abcdefgh", 0.0, False),
        ("", 0.0, False),
    ],
)
def test_writers_that_cannot_be_looked_for(tmp_path: Path, name: str, age: float, stays: bool) -> None:
    """Of another boot or namespace, and by the names of before, which do not say when their writer began."""
    file = tmp_path / f"{PARTIAL}{name}"
    file.touch()
    aged(file, age)
    remove_partial(tmp_path)
    assert file.exists() == stays


def test_content_is_not_looked_through(tmp_path: Path) -> None:
    for directory in ("packages", "some"):
        (tmp_path / directory / "where").mkdir(parents=True)
        (tmp_path / directory / "where" / f"{PARTIAL}99999999-a").touch()
    remove_partial_below(tmp_path, but=("packages",))
    assert [path.parts[-3] for path in tmp_path.rglob(f"{PARTIAL}*")] == ["packages"]
