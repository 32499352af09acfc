"""What workers tell the process that reports: lines that a test has shown at the end of the run, and reports."""

from collections.abc import Generator
from typing import Any

import pytest

LINES = pytest.StashKey[list[str]]()
_SENT = "lines_at_the_end"


def show_at_the_end(config: pytest.Config, line: str) -> None:
    """Have `line` shown when all tests have run."""
    config.stash.setdefault(LINES, []).append(line)


def send(config: pytest.Config) -> None:
    """In a worker, when its last test has run: give what was said to the process that shows it."""
    output: dict[str, Any] | None = getattr(config, "workeroutput", None)
    if output is not None:
        output[_SENT] = config.stash.get(LINES, [])


def receive(config: pytest.Config, output: dict[str, Any]) -> None:
    """What a worker has sent."""
    for line in output.get(_SENT, []):
        show_at_the_end(config, line)


def without_halves(data: Any) -> Any:
    """The same, with halves of characters as escapes: what hostile tests log cannot be sent otherwise."""
    match data:
        case str():
            return data.encode(errors="backslashreplace").decode()
        case dict():
            return {without_halves(key): without_halves(value) for key, value in data.items()}
        case list() | tuple():
            return type(data)(without_halves(each) for each in data)
        case _:
            return data


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """A report as a worker sends it."""
    return without_halves((yield))
