"""docs/platforms.md: what ran where, with versions, and what no test here can show. It is made of the results alone."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.platforms.part import ROOT, Platform
from tests.platforms.results import Result, Results

DOCUMENT = ROOT / "docs" / "platforms.md"
COLUMNS = ("podman", "runtime", "control groups", "rpm", "dnf", "dnf5", "createrepo_c", "python")
HEAD = """\
# Platforms

What ran where, written by the run itself: `make platforms` brings each platform up, `make platforms ONLY=B` one of
them. Times are minutes, beside the budget on two processors that do nothing else.
"""
TAIL = """\
## What no test here shows

SELinux that enforces, the packages of Fedora and of Enterprise Linux, other architectures than x86_64. A host of
Enterprise Linux 9 has Python 3.9, which is too old for the daemon: it runs the image of the worker
([operating.md](operating.md)).
"""


def document(platforms: Sequence[Platform], results: Results) -> str:
    return "\n".join((HEAD, *_hosts(platforms, results), *_runs(platforms, results), TAIL))


def write(platforms: Sequence[Platform], results: Results, path: Path = DOCUMENT) -> None:
    path.write_text(document(platforms, results))


def _hosts(platforms: Sequence[Platform], results: Results) -> Iterator[str]:
    yield f"| | host | how it is had | {' | '.join(COLUMNS)} |"
    yield "|" + "---|" * (len(COLUMNS) + 3)
    for platform in platforms:
        known = results.versions.get(platform.letter, {})
        cells = [platform.letter, platform.host, platform.how, *(known.get(name, "") for name in COLUMNS)]
        yield f"| {' | '.join(cells)} |"
    yield ""


def _runs(platforms: Sequence[Platform], results: Results) -> Iterator[str]:
    yield "| | what ran | minutes | what came of it |"
    yield "|---|---|---|---|"
    known = {(result.platform, result.part): result for result in results.results}
    for platform in platforms:
        for part in platform.parts:
            cells = _cells(known.get((platform.letter, part.name)))
            yield f"| {platform.letter} | {part.name} | {' | '.join(cells)} |"
    yield ""


def _cells(result: Result | None) -> tuple[str, str]:
    if result is None:
        return "", "has not run"
    took = f"{result.seconds / 60:.1f} of {result.minutes:g}"
    if result.failure:
        return took, "FAILED"
    return took, result.saw or "as it should"
