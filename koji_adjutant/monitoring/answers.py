"""What the API answers: views, lists of views, and refusals; and how a value of these becomes JSON.

The description (`openapi`) is made of the same classes, so that nothing is written down twice. Pure.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Any

from koji_adjutant.monitoring.views import ContainerView, TaskView


@dataclass(frozen=True, kw_only=True)
class TaskList:
    """Some tasks, newest first."""

    tasks: tuple[TaskView, ...]
    total: int
    """How many there are that were asked for."""


@dataclass(frozen=True, kw_only=True)
class ContainerList:
    """Containers of the engine, newest first."""

    containers: tuple[ContainerView, ...]


@dataclass(frozen=True, kw_only=True)
class Health:
    """The server itself; one that does not answer is not well."""

    alive: bool
    journal: str
    """Why the journal cannot be read; empty when it can be."""


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """Whether the host takes tasks, in the words of status and pages."""

    ready: bool
    obstacle: str
    title: str
    reason: str
    what_to_do: str


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a request has no other answer."""

    status: int
    title: str
    advice: str


class Refused(Exception):
    """A request that cannot be answered as it is."""

    def __init__(self, status: int, title: str, advice: str = "", **headers: str) -> None:
        super().__init__(title)
        self.refusal = Refusal(status=status, title=title, advice=advice)
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def to_json(value: object) -> bytes:
    """A view as JSON: its fields and what it says of itself by properties."""
    return json.dumps(plain(value), allow_nan=False, separators=(",", ":")).encode()


def plain(value: Any) -> Any:
    """A view as what JSON has words for; a number that it has none for is null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    if is_dataclass(value):
        kind: Any = type(value)
        return {name: plain(getattr(value, name)) for name in names_of(kind)}
    if isinstance(value, Mapping):
        return {str(name): plain(content) for name, content in value.items()}
    return [plain(one) for one in value]


@cache
def names_of(kind: type) -> tuple[str, ...]:
    """The fields of a view, and its properties."""
    properties = [name for name, member in vars(kind).items() if isinstance(member, property)]
    return (*(one.name for one in fields(kind)), *properties)
