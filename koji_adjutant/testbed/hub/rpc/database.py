"""The hub's storage: one sqlite connection, used by every request thread in turn.

It lives as long as the hub. Whoever calls a method here holds the hub's lock; the dispatcher opens a
transaction before a call and commits or rolls back after it, so a function never commits by itself (sessions
are the exception, as on a real hub). Rows are plain dicts. A column declared BOOLEAN comes back as a bool and
one declared JSON as data; moments are REAL epoch seconds and become Koji's pairs in `times.add_times`.
"""

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Params = Mapping[str, Any] | Sequence[Any]

SCHEMA_FILES = ("core.sql", "content.sql")
IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*\Z")

sqlite3.register_converter("BOOLEAN", lambda raw: raw != b"0")
sqlite3.register_converter("JSON", json.loads)


class Database:
    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(
            path,
            check_same_thread=False,
            isolation_level=None,
            detect_types=sqlite3.PARSE_DECLTYPES,
        )
        self._connection.row_factory = _dict_row
        self._touched = False
        self._transactions = 0
        for pragma in ("journal_mode = WAL", "synchronous = OFF", "foreign_keys = ON"):
            self._connection.execute(f"PRAGMA {pragma}")

    def create_schema(self) -> None:
        """Idempotent: every statement of the schema says IF NOT EXISTS or OR IGNORE."""
        directory = resources.files("koji_adjutant.testbed.hub") / "schema"
        for name in SCHEMA_FILES:
            file = directory / name
            if file.is_file():
                self._connection.executescript(file.read_text(encoding="utf-8"))

    def close(self) -> None:
        self._connection.close()

    # Reading

    def one(self, sql: str, params: Params = ()) -> Row | None:
        """The first row, or None."""
        row: Row | None = self._connection.execute(sql, params).fetchone()
        return row

    def all(self, sql: str, params: Params = ()) -> list[Row]:
        return self._connection.execute(sql, params).fetchall()

    def value(self, sql: str, params: Params = ()) -> Any:
        """The first column of the first row, or None."""
        row = self.one(sql, params)
        return next(iter(row.values())) if row else None

    def values(self, sql: str, params: Params = ()) -> list[Any]:
        """The first column of every row."""
        return [next(iter(row.values())) for row in self.all(sql, params)]

    # Writing

    def execute(self, sql: str, params: Params = ()) -> int:
        """Run one statement; the number of rows it changed."""
        self._touched = True
        return self._connection.execute(sql, params).rowcount

    def insert(self, table: str, **values: Any) -> int:
        """Insert one row; its rowid. A dict or list is stored as JSON."""
        self._touched = True
        names = ", ".join(_identifier(name) for name in values)
        marks = ", ".join(f":{name}" for name in values)
        sql = f"INSERT INTO {_identifier(table)} ({names}) VALUES ({marks})"
        return self._connection.execute(sql, _stored(values)).lastrowid or 0

    def update(self, table: str, where: Mapping[str, Any], **values: Any) -> int:
        """Update the rows whose columns equal `where` (None matches NULL); how many there were."""
        assignments = ", ".join(f"{_identifier(name)} = :{name}" for name in values)
        clause = " AND ".join(f"{_identifier(name)} IS :where_{name}" for name in where)
        params = _stored(values) | {f"where_{name}": value for name, value in where.items()}
        return self.execute(f"UPDATE {_identifier(table)} SET {assignments} WHERE {clause}", params)

    # Transactions

    @property
    def touched(self) -> bool:
        """Whether the open transaction wrote something (or opened a savepoint), and so must be committed."""
        return self._touched

    def begin(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        self._transactions += 1
        self._touched = False

    def commit(self) -> None:
        """Make what was written so far permanent and go on in a new transaction."""
        self._connection.execute("COMMIT")
        self.begin()

    def end(self, *, keep: bool) -> None:
        self._connection.execute("COMMIT" if keep else "ROLLBACK")

    def forget_touched(self) -> None:
        """What was written so far is kept only if something else is."""
        self._touched = False

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """What the block wrote is undone if it raises, unless it committed. Nests."""
        self._touched = True
        self._connection.execute("SAVEPOINT entry")
        transaction = self._transactions
        try:
            yield
        except BaseException:
            if transaction == self._transactions:
                self._connection.execute("ROLLBACK TO entry")
            raise
        finally:
            if transaction == self._transactions:
                self._connection.execute("RELEASE entry")


def marks(values: Sequence[Any]) -> str:
    """The placeholders of an IN list: `f"id IN ({marks(ids)})", ids`."""
    return ", ".join("?" * len(values))


def _dict_row(cursor: sqlite3.Cursor, row: tuple[Any, ...]) -> Row:
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}


def _stored(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: json.dumps(value) if isinstance(value, (dict, list)) else value
        for name, value in values.items()
    }


def _identifier(name: str) -> str:
    if not IDENTIFIER.match(name):
        raise ValueError(f"not a table or column name: {name!r}")
    return name
