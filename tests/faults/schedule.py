"""When which fault comes: rounds of all kinds, each in an order that only the seed decides.

A fault for which there is no target now, or whose part of the testbed is being harmed already, waits for its next
chance, and the next of its round comes instead.
"""

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from random import Random

from koji_adjutant.testbed.lifecycle import Say
from tests.faults.fault_testbed import NoTarget
from tests.faults.faults import Kind, Scene

INTERVAL = (4.0, 6.5)
"""Seconds from one fault to the next, where there is time for some rounds of all kinds."""
ROUNDS = 1.4
"""How often each kind of fault is injected in a run that is too short for more."""
LONGEST_GAP = 10.0
PATIENCE = 1.0
"""What looks for its target with a busy engine for so long keeps the others from theirs: they have no engine to ask."""


@dataclass(frozen=True, kw_only=True)
class Injection:
    """A fault that is in force until `until`."""

    kind: Kind
    until: float
    end: ExitStack


@dataclass(kw_only=True)
class Schedule:
    """What has been injected, and what comes next."""

    kinds: Sequence[Kind]
    scene: Scene
    rng: Random
    say: Say
    seconds: float
    """How long the run is to be."""
    interval: tuple[float, float] = INTERVAL
    done: Counter[str] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)
    _active: list[Injection] = field(default_factory=list)
    _round: list[Kind] = field(default_factory=list)
    _next: float = 0.0
    _began: float = 0.0

    def __post_init__(self) -> None:
        # Each has numbers of its own, so that what finds no target now changes nothing of what else is to come.
        self._orders, self._pauses = Random(self.rng.random()), Random(self.rng.random())
        self._lengths = {kind.name: Random(self.rng.random()) for kind in self.kinds}
        self._pace = pace(self.seconds, len(self.kinds))

    def work(self) -> None:
        """End what is over; inject what is due."""
        now = time.monotonic()
        self._began = self._began or now
        for injection in [one for one in self._active if one.until <= now]:
            self._end(injection)
        if now >= self._next and self._inject_one():
            # From when it was due: what an injection takes is no pause.
            self._next = now + self._pace * self._pauses.uniform(*self.interval)

    def finish(self) -> None:
        """End all faults that are in force."""
        for injection in list(self._active):
            self._end(injection)

    def missing(self) -> list[str]:
        """The kinds that have not come yet: each had no target so far."""
        return [kind.name for kind in self.kinds if not self.done[kind.name]]

    def shortcomings(self) -> list[str]:
        """Where there were too few faults."""
        missing = [f"never: {name}" for name in self.missing()]
        gaps = [late - early for early, late in zip(self.times, self.times[1:], strict=False)]
        return missing + [f"no fault for {gap:.0f} s" for gap in gaps if gap > LONGEST_GAP]

    def _inject_one(self) -> bool:
        if len(self._round) < len(self.kinds):
            self._round += self._orders.sample(list(self.kinds), len(self.kinds))
        busy = {one.kind.touches for one in self._active} - {""}
        began = time.monotonic()
        for kind in list(dict.fromkeys(self._round)):
            if time.monotonic() - began > PATIENCE:
                busy.add("engine")
            is_possible = not (kind.asks_hub and self.scene.testbed.is_hub_away)
            if is_possible and kind.touches not in busy and self._inject(kind):
                self._round.remove(kind)
                return True
        return False

    def _inject(self, kind: Kind) -> bool:
        with ExitStack() as end:
            try:
                what = end.enter_context(kind.inject(self.scene))
            except NoTarget:
                return False
            now = time.monotonic()
            seconds = self._lengths[kind.name].uniform(*kind.seconds)
            self._active.append(Injection(kind=kind, until=now + seconds, end=end.pop_all()))
        self.done[kind.name] += 1
        self.times.append(now)
        self.say(f"{now - self._began:6.1f} s  {kind.name} for {seconds:.1f} s {what}")
        return True

    def _end(self, injection: Injection) -> None:
        self._active.remove(injection)
        injection.end.close()


def pace(seconds: float, kinds: int) -> float:
    """By what the usual pauses are shortened, so that a run of `seconds` has time for all `kinds`; 1 where it has."""
    usual = sum(INTERVAL) / 2 * ROUNDS * kinds
    return min(1.0, seconds / usual) if usual else 1.0
