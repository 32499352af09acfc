"""What a check is, and what it finds. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from koji_adjutant.cli.doctor.surroundings import Surroundings

SECONDS = 20.0
"""That a check may take, where it does not say otherwise."""


class Status(StrEnum):
    """How it is, in words for people and programs."""

    OK = "ok"
    WARNING = "warning"
    """Tasks are done, and somebody should look."""
    FAILURE = "failure"
    """Tasks are not done, or fail."""
    NOT_CHECKED = "not checked"
    """What it needs is not there."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a check has found, in a sentence, and what to do about it. The text may quote hub, engine and files."""

    status: Status
    text: str
    hint: str = ""


def ok(text: str) -> Finding:
    """All is well."""
    return Finding(status=Status.OK, text=text)


def warning(text: str, hint: str) -> Finding:
    """Something to look at."""
    return Finding(status=Status.WARNING, text=text, hint=hint)


def failure(text: str, hint: str) -> Finding:
    """Something to do."""
    return Finding(status=Status.FAILURE, text=text, hint=hint)


def not_checked(text: str) -> Finding:
    """Nothing is known."""
    return Finding(status=Status.NOT_CHECKED, text=text)


@dataclass(frozen=True, kw_only=True)
class Check:
    """One row of the table. `id` is for programs and stays what it is; `look` changes nothing and may raise.

    `needs` are ids of checks without which this one has nothing to look at.
    """

    id: str
    title: str
    look: Callable[[Surroundings], Finding]
    needs: tuple[str, ...] = ()
    seconds: float = SECONDS


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of a check, and how long it took."""

    check: Check
    finding: Finding
    seconds: float = 0.0
