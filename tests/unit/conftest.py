"""What every unit test has: a hub that is an object of its own process, and a guard against processes that are none.

A unit test starts no daemon of ours, no hub process and no engine; whatever else it starts (bash on a script of ours,
rpm, a child that the module under test forks) ends with it. The guard listens to the interpreter's own audit events,
so it hears of a process whatever starts it.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.testbed.engine.processes import command_line
from tests.hubs import hub

__all__ = ["hub"]

ENGINES = frozenset({"podman", "conmon", "crun", "runc", "buildah", "kojid", "koji-adjutant"})
OUR_PROGRAMS = re.compile(
    r"-m\x00koji_adjutant\b|-m\x00tests\b|koji_adjutant\.cli import (kojid|main);|/(kojid|koji-adjutant)(\x00|$)"
)
"""Command lines, with their words apart, of daemons and commands of ours."""
STARTS = ("subprocess.Popen", "os.posix_spawn", "os.exec")


class ProcessGuard:
    """What a unit test has started that it may not; listens from its import on, and minds while one runs."""

    def __init__(self) -> None:
        self.is_on = False
        self.found: list[str] = []

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """An audit event. What it raises is the answer to whoever starts the process."""
        if not self.is_on or event not in STARTS:
            return
        program, words = arguments[0], arguments[1]
        line = command_words(program, words)
        if is_daemon_or_engine(line):
            self.found.append(" ".join(line))
            raise PermissionError(f"a unit test starts no daemon and no engine: {' '.join(line)}")


def command_words(program: object, words: object) -> Sequence[str]:
    """The words of a command line, the program first."""
    given = [words] if isinstance(words, (str, bytes, Path)) else list(words)  # type: ignore[call-overload]
    said = [one.decode(errors="replace") if isinstance(one, bytes) else str(one) for one in given]
    return said or [str(program)]


def is_daemon_or_engine(words: Sequence[str]) -> bool:
    """Whether this command line is one that a unit test may not start."""
    # What starts another program (env, setsid, nice) names it later.
    names = {Path(word).name for word in words if "/" in word or word == words[0]}
    return bool(names & ENGINES) or bool(OUR_PROGRAMS.search("\0".join(words)))


GUARD = ProcessGuard()
sys.addaudithook(GUARD.hear)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """What needs the session's engine is no unit test, whoever has started it."""
    assert not item.get_closest_marker("podman"), "a unit test needs no engine: see docs/contributing.md"


@pytest.fixture(autouse=True)
def _starts_nothing_that_stays() -> Iterator[None]:
    """Fails a test that starts a daemon or an engine, in whatever thread, or leaves a child.

    The guard is on while the test has its own fixtures: what the session has, others have started and will end.
    """
    GUARD.found.clear()
    before = children()
    GUARD.is_on = True
    try:
        yield
    finally:
        GUARD.is_on = False
    assert not GUARD.found, f"started by a unit test: {GUARD.found}"
    left = {pid: command_line(pid) for pid in children() - before}
    assert not any(left.values()), f"left by a unit test: {left}"


def children() -> set[int]:
    """Those of this process, and of its threads."""
    found: set[int] = set()
    for file in Path("/proc/self/task").glob("*/children"):
        try:
            found.update(int(pid) for pid in file.read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            # A thread that ended meanwhile.
            continue
    return found
