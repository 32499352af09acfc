"""Rows that a client selects from with its own clauses, fields and order: repo.query and its like."""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import koji

from koji_adjutant.testbed.hub.rpc.database import Row
from koji_adjutant.testbed.hub.rpc.query_options import QueryOptions, apply_options


def _contains(outer: Any, inner: Any) -> bool:
    return all(key in outer and outer[key] == value for key, value in inner.items())


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """A comparison with nothing is never true."""
    return lambda value, wanted: value is not None and wanted is not None and compare(value, wanted)


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "IS": operator.eq,
    "IS NOT": operator.ne,
    "IN": lambda value, wanted: value in wanted,
    "<": _ordered(operator.lt),
    "<=": _ordered(operator.le),
    ">": _ordered(operator.gt),
    ">=": _ordered(operator.ge),
    "@>": _contains,
    "<@": lambda value, wanted: _contains(wanted, value),
}


@dataclass(frozen=True, kw_only=True)
class View:
    """All rows with all their fields; the fields that are given unless others are asked for, and those that are
    another table's and so meant by `**` but not by `*`.
    """

    rows: Sequence[Row]
    usual: Sequence[str]
    foreign: Sequence[str]

    def select(self, clauses: Any, fields: Any, options: QueryOptions) -> Any:
        tests = [_test(clause) for clause in clauses or ()]
        rows = [row for row in self.rows if all(test(row) for test in tests)]
        found = apply_options(rows, options)
        if not isinstance(found, list):
            return found
        return [{name: _field(row, name) for name in self._names(fields, row)} for row in found]

    def _names(self, fields: Any, row: Row) -> Sequence[str]:
        if not fields:
            return self.usual
        names = [fields] if isinstance(fields, str) else list(fields)
        if "**" in names:
            return list(row)
        return [name for name in row if name not in self.foreign] if "*" in names else names


def _test(clause: Any) -> Callable[[Row], bool]:
    if len(clause) == 2:
        name, wanted = clause
        kind = "IN" if isinstance(wanted, (list, tuple)) else "="
    elif len(clause) == 3:
        name, kind, wanted = clause
        kind = kind.upper()
    else:
        raise koji.ParameterError(f"Invalid clause: {clause}")
    if kind not in OPERATORS:
        raise koji.ParameterError(f"Invalid operator: {kind}")
    compare = OPERATORS[kind]
    return lambda row: compare(_field(row, name), wanted)


def _field(row: Row, name: str) -> Any:
    if name not in row:
        raise koji.ParameterError(f"Invalid field for query {name}")
    return row[name]
