"""`python -m tests.platforms`: bring each platform up, run what the table says, a line each, and write it down.

The exit code is 1 when a part failed, or, with --budgets, took longer than its budget.
"""

import argparse
import math
import os
import sys
import time
from collections.abc import Sequence

from koji_adjutant.errors import AdjutantError
from tests.platforms import report, results
from tests.platforms.part import ROOT, Place
from tests.platforms.running import chosen, run
from tests.platforms.table import PLATFORMS, REMOVED_AT_THE_END

DIRECTORY = ROOT / ".testbed" / "platforms"
REMOVAL_SECONDS = 300.0


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.platforms", description=__doc__)
    parser.add_argument("--only", nargs="+", default=[], metavar="LETTER", help="these platforms, not all")
    parser.add_argument("--parts", nargs="+", default=[], metavar="NAME", help="these parts of them")
    parser.add_argument(
        "--ci", action="store_true", help="what continuous integration runs, documents untouched"
    )
    parser.add_argument("--budgets", action="store_true", help="a part over its budget fails the run")
    parser.add_argument("--keep", action="store_true", help="leave the roots for the next run")
    parser.add_argument(
        "--minutes",
        type=float,
        default=math.inf,
        help="a part whose budget does not fit in these is not begun",
    )
    given = parser.parse_args(arguments)
    until = time.monotonic() + given.minutes * 60
    if os.geteuid():
        say("platforms: run it as root")
        return 2
    try:
        platforms = chosen(PLATFORMS, given.only, given.parts, ci=given.ci)
    except AdjutantError as error:
        say(f"platforms: {error}")
        return 2
    every = [(platform.letter, part.name) for platform in PLATFORMS for part in platform.parts]
    ran = {(platform.letter, part.name) for platform in platforms for part in platform.parts}
    known = results.load()
    try:
        for now in run(platforms, known, DIRECTORY, say, with_versions=not given.ci, until=until):
            known = now
            if not given.ci:
                kept = results.load().with_newest_of(known).only_of(every)
                results.save(kept)
                report.write(PLATFORMS, kept)
    finally:
        if not given.keep:
            for root in REMOVED_AT_THE_END:
                root.remove(Place(directory=DIRECTORY, seconds=REMOVAL_SECONDS))
    new = [one for one in known.results if (one.platform, one.part) in ran or one.part == "begin"]
    bad = [one for one in new if one.failure or (given.budgets and one.is_over)]
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
