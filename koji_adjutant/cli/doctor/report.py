"""What doctor prints: a line a check and what to do, or JSON for programs. Pure.

Texts may quote a hub, an engine or a file of anybody's: on a terminal nothing of them is obeyed.
"""

import json
from collections import Counter
from collections.abc import Sequence

from koji_adjutant.cli.doctor.check import Check, Result, Status
from koji_adjutant.monitoring.text import for_terminal

VERSION = 1
"""Of the JSON."""
WORDS = {
    Status.OK: "ok",
    Status.WARNING: "WARNING",
    Status.FAILURE: "FAILURE",
    Status.NOT_CHECKED: "-",
}
_WIDTH = 7


def line(result: Result, width: int) -> str:
    """A result for people; ids are `width` characters wide."""
    finding = result.finding
    indent = " " * (_WIDTH + width + 4)
    told = f"{WORDS[finding.status]:<{_WIDTH}}  {result.check.id:<{width}}  {_one_line(finding.text)}\n"
    if finding.hint and finding.status is not Status.OK:
        told += f"{indent}{_one_line(finding.hint)}\n"
    return told


def _one_line(text: str) -> str:
    return for_terminal(" ".join(text.split()))


def summary(results: Sequence[Result]) -> str:
    """How it is altogether."""
    counted = Counter(result.finding.status for result in results)
    return ", ".join(f"{counted[status]} {status}" for status in Status) + "\n"


def as_json(results: Sequence[Result]) -> str:
    """All of it; texts are data."""
    return (
        json.dumps(
            {
                "version": VERSION,
                "checks": [
                    {
                        "id": result.check.id,
                        "title": result.check.title,
                        "status": result.finding.status.value,
                        "text": result.finding.text,
                        "hint": result.finding.hint,
                        "seconds": round(result.seconds, 3),
                    }
                    for result in results
                ],
            },
            indent=2,
        )
        + "\n"
    )


def listing(checks: Sequence[Check]) -> str:
    """The ids and titles, for `--list`."""
    width = max(len(check.id) for check in checks)
    return "".join(f"{check.id:<{width}}  {check.title}\n" for check in checks)
