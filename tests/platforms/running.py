"""Runs the parts of platforms one after the other. One that fails keeps none of the others from running."""

import math
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from koji_adjutant.errors import AdjutantError
from tests.platforms.part import PATIENCE, Part, Place, Platform
from tests.platforms.results import Result, Results

VERSIONS_MINUTES = 15.0
"""What it may take to make a root, which the first thing that is asked of it does."""


def chosen(
    platforms: Sequence[Platform], only: Sequence[str], names: Sequence[str] = (), *, ci: bool = False
) -> list[Platform]:
    """Those of the letters, with the parts of the names; all without any. AdjutantError for one that there is not."""
    _known(only, [platform.letter for platform in platforms], "platform")
    _known(names, sorted({part.name for platform in platforms for part in platform.parts}), "part")
    found = []
    for platform in platforms:
        parts = [part for part in platform.parts if not names or part.name in names]
        parts = [part for part in parts if part.is_in_ci or not ci]
        if parts and (not only or platform.letter in only):
            found.append(replace(platform, parts=tuple(parts)))
    return found


def _known(asked: Sequence[str], there: Sequence[str], what: str) -> None:
    if unknown := sorted(set(asked) - set(there)):
        raise AdjutantError(f"no such {what}: {', '.join(unknown)}", hint=f"there are {', '.join(there)}")


def run(
    platforms: Sequence[Platform],
    known: Results,
    directory: Path,
    say: Callable[[str], None],
    *,
    with_versions: bool = True,
    until: float = math.inf,
) -> Iterator[Results]:
    """What is known after each part. A machine is started to say its versions: who needs none need not wait for it.

    A part whose budget ends after `until`, by the monotonic clock, is not begun, and said.
    """
    for platform in platforms:
        if not with_versions:
            known = yield from _run_parts(platform, known, directory, say, until)
            continue
        place = Place(directory=directory / platform.letter, seconds=VERSIONS_MINUTES * 60)
        began = time.monotonic()
        try:
            known = known.with_versions(platform.letter, platform.versions(place))
        except AdjutantError as error:
            seconds = time.monotonic() - began
            result = _result(platform, "begin", seconds, VERSIONS_MINUTES, failure=str(error))
            say(result.line)
            known = known.with_result(result)
            yield known
            continue
        say(f"{platform.letter}  {platform.host}: {_listed(known.versions[platform.letter])}")
        known = yield from _run_parts(platform, known, directory, say, until)


def _run_parts(
    platform: Platform, known: Results, directory: Path, say: Callable[[str], None], until: float
) -> Generator[Results, None, Results]:
    for part in platform.parts:
        left = (until - time.monotonic()) / 60
        if part.minutes > left:
            say(
                f"{platform.letter}  {part.name:<24} not run: {part.minutes:g} min, of which {left:.1f} are left"
            )
            continue
        result = run_part(platform, part, directory)
        say(result.line)
        known = known.with_result(result)
        yield known
    return known


def run_part(platform: Platform, part: Part, directory: Path) -> Result:
    place = Place(
        directory=directory / platform.letter / part.name.replace(" ", "-"),
        seconds=part.minutes * 60 * PATIENCE,
    )
    place.log.unlink(missing_ok=True)
    began = time.monotonic()
    failure = saw = ""
    try:
        saw = part.run(place)
    except AdjutantError as error:
        failure = str(error)
    return _result(platform, part.name, time.monotonic() - began, part.minutes, saw=saw, failure=failure)


def _result(
    platform: Platform, part: str, seconds: float, minutes: float, *, saw: str = "", failure: str = ""
) -> Result:
    return Result(
        platform=platform.letter,
        part=part,
        seconds=round(seconds, 1),
        minutes=minutes,
        saw=saw,
        failure=failure,
    )


def _listed(versions: object) -> str:
    assert isinstance(versions, dict)
    return ", ".join(f"{name} {version}" for name, version in versions.items())
