"""Checks and conversions of what a client sent: pure functions, with the fault a real hub would answer."""

import re
from collections.abc import Iterable
from typing import Any

import koji

NAME = re.compile(r"[A-Za-z0-9/_.+-]+\Z")
LONGEST_NAME = 256


def as_int(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError) as error:
        raise _wrong_type(value, int) from error


def as_int_or_none(value: Any) -> int | None:
    return None if value is None else as_int(value)


def require_type(value: Any, kind: type) -> None:
    if not isinstance(value, kind):
        raise _wrong_type(value, kind)


def _wrong_type(value: Any, kind: type) -> koji.ParameterError:
    if value is None:
        return koji.ParameterError(f"Invalid type, expected type {kind}")
    return koji.ParameterError(f"Invalid type for value '{value}': {type(value)}, expected type {kind}")


def require_name(name: Any) -> str:
    """A name for something new: tags, targets, packages, external repos."""
    if not isinstance(name, str):
        raise koji.GenericError("Name should be string")
    if len(name) > LONGEST_NAME:
        raise koji.GenericError(f"Name {name} is too long: at most {LONGEST_NAME} characters")
    if not NAME.match(name):
        raise koji.GenericError(f"Name {name} does not match RegexNameInternal value")
    return name


def arch_list(arches: Any, *, strict: bool = True) -> str:
    """Architectures as the hub stores them: names with one space between; empty for None."""
    return koji.parse_arches(arches, strict=strict, allow_none=True)


def sliced(row: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The part of a row that has these names."""
    return {name: row[name] for name in names if name in row}
