"""How slow the machine is at the moment: what bounds on time are multiples of.

A bound in seconds says how fast the machine of its author was. A probe, the start of a small program, takes longer on
a machine that is slower or busier, and by about as much as everything that tests measure does.
"""

import functools
import statistics
import subprocess
import time

STARTS = 7
USUAL = 0.0025
"""Seconds that a start takes on the two idle cores that the bounds were found on."""


def start_seconds() -> float:
    """The median of some starts of /bin/true, one after the other."""
    taken = []
    for _ in range(STARTS):
        began = time.monotonic()
        subprocess.run(["/bin/true"], check=True)
        taken.append(time.monotonic() - began)
    return statistics.median(taken)


def slowness() -> float:
    """How many times as long as usual something takes now; never less than 1."""
    return max(1.0, start_seconds() / USUAL)


@functools.cache
def patience() -> float:
    """What to multiply bounds by that only keep a test from hanging: `slowness`, looked at once a process."""
    return slowness()
