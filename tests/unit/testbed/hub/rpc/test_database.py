"""The database: what is kept, what is undone, how values come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from koji_adjutant.testbed.hub.rpc.database import Database, marks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "db.sqlite")
    database.create_schema()
    database.begin()
    yield database
    database.end(keep=False)
    database.close()


def names(db: Database) -> list[str]:
    found: list[str] = db.values("SELECT name FROM channels WHERE id > 8 ORDER BY id")
    return found


def test_values_come_back_as_what_they_are(db: Database) -> None:
    channel = db.insert("channels", name="x", enabled=False)
    row = db.one("SELECT * FROM channels WHERE id = ?", (channel,))
    assert row == {"id": channel, "name": "x", "description": None, "enabled": False, "comment": None}
    db.insert("scheduler_sys_data", name="n", data={"a": [1, None]})
    assert db.value("SELECT data FROM scheduler_sys_data") == {"a": [1, None]}
    assert db.one("SELECT id FROM channels WHERE id = 99") is None
    assert db.value("SELECT id FROM channels WHERE id = 99") is None
    ids = [1, 2]
    assert db.values(f"SELECT id FROM channels WHERE id IN ({marks(ids)})", ids) == ids


def test_update_matches_null_too(db: Database) -> None:
    db.insert("channels", name="x")
    assert db.update("channels", {"name": "x", "comment": None}, comment="c") == 1
    assert db.update("channels", {"name": "x", "comment": None}, comment="d") == 0


def test_only_names_are_names(db: Database) -> None:
    with pytest.raises(ValueError, match="not a table or column name"):
        db.insert("channels; DROP TABLE task", name="x")
    with pytest.raises(ValueError, match="not a table or column name"):
        db.update("channels", {"id = 1 OR 1": 1}, name="x")


def test_a_savepoint_undoes_its_block_only(db: Database) -> None:
    db.insert("channels", name="before")
    with pytest.raises(RuntimeError, match="stop"), db.savepoint():
        db.insert("channels", name="inside")
        with db.savepoint():
            db.insert("channels", name="deeper")
        raise RuntimeError("stop")
    with db.savepoint():
        db.insert("channels", name="after")
    assert names(db) == ["before", "after"]


def test_what_was_committed_inside_a_savepoint_stays(db: Database) -> None:
    with pytest.raises(RuntimeError, match="stop"), db.savepoint():
        db.insert("channels", name="kept")
        db.commit()
        raise RuntimeError("stop")
    db.end(keep=False)
    db.begin()
    assert names(db) == ["kept"]


def test_reading_does_not_touch(db: Database) -> None:
    db.all("SELECT * FROM channels")
    states = [db.touched]
    db.insert("channels", name="x")
    states.append(db.touched)
    db.forget_touched()
    states.append(db.touched)
    assert states == [False, True, False]
