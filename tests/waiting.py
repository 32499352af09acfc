"""Waiting for what happens in another thread, process or container: a condition that is looked at again and again."""

import time
from collections.abc import Callable
from typing import TypeVar

from tests.pace import patience

PATIENCE = 30.0
"""Seconds after which what has not happened does not happen: far more than anything takes on a busy machine."""
STEP = 0.02

T = TypeVar("T")


def eventually(
    look: Callable[[], T],
    what: str | Callable[[], str] = "",
    *,
    seconds: float = PATIENCE,
    step: float = STEP,
) -> T:
    """Look until what is seen is true, or not empty; that. `what` says what is waited for, when it never comes.

    On a machine that is slow (`pace`) it may take as many times as long.
    """
    began = time.monotonic()
    while not (found := look()):
        waited = time.monotonic() - began
        if waited > seconds and waited > seconds * patience():
            raise AssertionError(f"never: {what() if callable(what) else what or look}")
        time.sleep(step)
    return found


def for_ever() -> int:
    """What a process or a thread does that is to be ended: far longer than anybody waits."""
    time.sleep(20 * PATIENCE)
    return 0


def take(seconds: float) -> None:
    """What an engine or a hub does that takes its time: of fakes, and never of a test itself."""
    time.sleep(seconds)


def lasts(look: Callable[[], object], what: str, *, seconds: float, step: float = STEP) -> None:
    """That something is so, and goes on to be so for some seconds: of what must not happen."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert look(), f"no more: {what}"
        time.sleep(step)
