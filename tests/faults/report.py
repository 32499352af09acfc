"""The account of a fault run as a table, and in one line."""

import sys
from collections import Counter
from collections.abc import Iterator

from tests.faults.soak import Account


def say(line: str) -> None:
    """A line at once, for a run that is watched."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def show(account: Account) -> None:
    """The table, and last one line of numbers, on standard output."""
    for line in lines(account):
        say(line)


def lines(account: Account) -> tuple[str, ...]:
    """The table, and last one line of numbers."""
    return (*table(account), summary(account))


def table(account: Account) -> Iterator[str]:
    """What happened, a line each."""
    yield f"seed {account.seed}"
    yield from _counted("tasks", account.jobs)
    yield from _counted("their ends", account.ends)
    yield from _counted("faults", account.faults)
    yield from _counted("left where nobody sweeps", Counter({k: len(v) for k, v in account.unswept.items()}))
    yield from _listed("daemons that ended by themselves", account.restarts)
    yield from _listed("lost", account.lost)
    yield from _listed("left", account.left)
    yield from _listed("too little was tried", account.shortcomings)


def summary(account: Account) -> str:
    builds, faults = account.jobs.total(), account.faults.total()
    return f"builds {builds}, faults {faults}, lost {len(account.lost)}, left {len(account.left)}"


def _counted(title: str, counts: Counter[str]) -> Iterator[str]:
    yield f"{title}: {counts.total()}"
    yield from (f"  {number:5d}  {name}" for name, number in sorted(counts.items()))


def _listed(title: str, found: tuple[str, ...]) -> Iterator[str]:
    if found:
        yield f"{title}: {len(found)}"
        yield from (f"  {line}" for line in found)
