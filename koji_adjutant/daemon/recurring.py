"""Trouble that goes on and on: logged when it begins, now and then while it lasts, and when it is over.

An outage may last for hours, and is noticed every few seconds: its log is for people to read.
"""

import re
import time
from collections.abc import Callable

FIRST_SECONDS = 15.0
LONGEST_SECONDS = 300.0
"""The longest time between two log lines about one trouble; the time doubles from FIRST_SECONDS on."""
_MINUTE, _HOUR = 60, 3600
_MOST_KINDS = 8
_NUMBERS = re.compile(r"0x[0-9a-f]+|\d+")


class Recurring:
    """One kind of trouble, which may come and go; lives as long as the object that can have it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kinds: set[str] = set()
        self._began: float | None = None
        self._say_at = 0.0
        self._pause = FIRST_SECONDS

    def is_to_be_said(self, what: str) -> bool:
        """Note the trouble `what` once more; whether to log it now. What is new, numbers aside, is logged at once."""
        now, kind = self._clock(), _NUMBERS.sub("", what)
        if self._began is None:
            self._began, self._say_at, self._pause = now, now, FIRST_SECONDS / 2
            self._kinds.clear()
        is_new = kind not in self._kinds and len(self._kinds) < _MOST_KINDS
        if is_new:
            self._kinds.add(kind)
        if now >= self._say_at:
            self._pause = min(2 * self._pause, LONGEST_SECONDS)
            self._say_at = now + self._pause
            return True
        return is_new

    @property
    def seconds(self) -> float | None:
        """For how long the trouble has lasted; None when there is none."""
        return None if self._began is None else self._clock() - self._began

    def how_long(self) -> str:
        """How long the trouble has lasted, in words to append to its log line; empty at the beginning."""
        seconds = self.seconds or 0.0
        return f", for {in_words(seconds)} now" if seconds >= 1 else ""

    def over(self) -> str:
        """Note that the trouble is over; how long it lasted, in words, empty when there was none."""
        if self._began is None:
            return ""
        lasted, self._began = self._clock() - self._began, None
        return in_words(lasted)


def in_words(seconds: float) -> str:
    """A duration of `seconds`, as people say it."""
    whole = int(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
