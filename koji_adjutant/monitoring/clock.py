"""When something happened, whoever has set the clock since: moments as the journal has them, told as times of day.

A line of the journal says the time of day at which it was written, and the seconds since the boot. What happened in
this boot is told by the second and the clock of now, so that spans are as long as they were and what is shown agrees
with the clock that people look at. What happened in an earlier one is told by the clock of then. Belongs to one
thread.
"""

import math
import time
from array import array
from collections.abc import Callable
from typing import NamedTuple

from koji_adjutant.host.files import boot_id, since_boot
from koji_adjutant.journal.file import Event

SLACK = 1.0
"""Seconds by which the clock may be set without a word: what ntp corrects all the time."""


class Moment(NamedTuple):
    """When a line was written."""

    time: float
    since_boot: float | None
    boot: str


class Moments:
    """Many moments in little memory: thousands of tasks have a dozen each."""

    __slots__ = ("_boots", "_numbers")

    def __init__(self) -> None:
        self._numbers = array("d")
        self._boots: list[str] = []

    def append(self, moment: Moment) -> None:
        """Keep one more."""
        self._numbers.append(moment.time)
        self._numbers.append(math.nan if moment.since_boot is None else moment.since_boot)
        self._boots.append(moment.boot)

    def __len__(self) -> int:
        return len(self._boots)

    def __getitem__(self, place: int) -> Moment:
        time, since = self._numbers[2 * place], self._numbers[2 * place + 1]
        return Moment(time, None if math.isnan(since) else since, self._boots[place])


class Clock:
    """Tells moments as times of day, in seconds since the epoch."""

    def __init__(
        self,
        now: Callable[[], float] = time.time,
        since: Callable[[], float] = since_boot,
        boot: str | None = None,
    ) -> None:
        self._now = now
        self._since = since
        self._boot = boot_id() if boot is None else boot
        self._booted = now() - since()
        self._boots: dict[str, str] = {}

    @property
    def boot(self) -> str:
        """The boot that this is."""
        return self._boot

    def now(self) -> float:
        """The time of day."""
        return self._now()

    def moment(self, event: Event) -> Moment:
        """When an event happened."""
        # One string for all events of a boot.
        boot = self._boots.setdefault(event.boot_id, event.boot_id)
        return Moment(event.time.timestamp(), event.since_boot, boot)

    def tell(self, moment: Moment) -> float:
        """The time of day of a moment."""
        if moment.since_boot is None or moment.boot != self._boot:
            return moment.time
        return self._booted + moment.since_boot

    def look(self) -> None:
        """See whether the clock was set."""
        booted = self._now() - self._since()
        if abs(booted - self._booted) > SLACK:
            self._booted = booted
