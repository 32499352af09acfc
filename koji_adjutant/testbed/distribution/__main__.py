"""`python -m koji_adjutant.testbed.distribution DIR`: make the mini distribution at DIR."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from koji_adjutant.errors import AdjutantError
from koji_adjutant.testbed.distribution.distribution import make
from koji_adjutant.testbed.distribution.recipe import RELEASE
from koji_adjutant.testbed.second_arch import I686


def say(line: str) -> None:
    print(line, flush=True)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m koji_adjutant.testbed.distribution", description=__doc__)
    parser.add_argument("directory", type=Path, help="where to keep the distribution and what apt downloads")
    parser.add_argument(
        "--release", default=RELEASE, metavar="CODENAME", help=f"of Debian; default: {RELEASE}"
    )
    parser.add_argument(
        "--second-arch", metavar="DIR", type=Path, help=f"the same packages for {I686} as well, and where"
    )
    given = parser.parse_args(arguments)
    try:
        made = make(given.directory, say, release=given.release)
        if given.second_arch:
            make(given.second_arch, say, I686, made, given.release)
    except AdjutantError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{made.repo}: digest {made.digest}, source packages {' '.join(made.srpms)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
