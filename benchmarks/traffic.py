"""What tasks asked of the hub, read from the hub's own log: requests, uploads, bytes."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

LINE = re.compile(r"session (?P<session>\d+): (?P<what>[\w.]+), (?P<bytes>\d+) bytes$")
LAST_WORDS = frozenset({"host.closeTask", "host.failTask"})


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Requests of one task process."""

    calls: int
    uploads: int
    uploaded: int
    """Bytes that were uploaded."""


def traffic_of_tasks(lines: Iterable[str]) -> list[Traffic]:
    """The traffic of each task that reported its end in these lines, in the order of those reports."""
    calls: dict[str, list[tuple[str, int]]] = {}
    ended: dict[str, None] = {}
    for line in lines:
        if found := LINE.search(line):
            session, what = found["session"], found["what"]
            calls.setdefault(session, []).append((what, int(found["bytes"])))
            if what in LAST_WORDS:
                ended[session] = None
    return [_sum(calls[session]) for session in ended]


def _sum(requests: list[tuple[str, int]]) -> Traffic:
    uploads = [size for what, size in requests if what == "upload"]
    return Traffic(calls=len(requests), uploads=len(uploads), uploaded=sum(uploads))


def by_method(lines: Iterable[str]) -> Mapping[str, int]:
    """How often each method was called."""
    counts: dict[str, int] = {}
    for line in lines:
        if found := LINE.search(line):
            counts[found["what"]] = counts.get(found["what"], 0) + 1
    return counts
