"""Noarch rpms that several architectures built: they must not differ, and the first is kept.

A builder's noarch_rpmdiff.json gives each rpm's digest by task, which saves the comparison of whole packages.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import koji
import koji.rpmdiff

# File sizes, digests and times may differ: what a build writes down of itself.
IGNORED_DIFFERENCES = "S5TN"

Logs = Mapping[str, list[str]] | None
Digests = dict[str, dict[str, Any]]


def without_duplicates(work: Path, rpms: Iterable[str], logs: Logs) -> list[str]:
    """The rpms with each noarch one once. BuildError if two of a name differ."""
    digests = _digests(work, logs)
    kept: dict[str, str] = {}
    others: list[str] = []
    for path in rpms:
        name = Path(path).name
        if not path.endswith(".noarch.rpm"):
            others.append(path)
        elif name not in kept:
            kept[name] = path
            others.append(path)
        elif not _same_digest(digests, kept[name], path):
            _require_equal(work, kept[name], path)
    return others


def _digests(work: Path, logs: Logs) -> Digests:
    found: Digests = {}
    for paths in (logs or {}).values():
        for path in paths:
            if Path(path).name == "noarch_rpmdiff.json":
                found.update(json.loads((work / path).read_text(encoding="utf-8")))
    return found


def _same_digest(digests: Digests, first: str, second: str) -> bool:
    one, other = (_digest(digests, path) for path in (first, second))
    return one is not None and one == other


def _digest(digests: Digests, path: str) -> Any:
    # As on the real hub: the second part of tasks/N/ID, so tasks from 10000 on are not found.
    return digests.get(path.split("/")[1], {}).get(Path(path).name)


def _require_equal(work: Path, first: str, second: str) -> None:
    compare: Any = koji.rpmdiff.Rpmdiff
    difference = compare(str(work / first), str(work / second), ignore=IGNORED_DIFFERENCES)
    if difference.differs():
        raise koji.BuildError(
            "The following noarch package built differently on different architectures: "
            f"{Path(first).name}\nrpmdiff output was:\n{difference.textdiff()}"
        )
