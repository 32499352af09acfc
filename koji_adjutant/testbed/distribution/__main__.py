"""`python -m koji_adjutant.testbed.distribution DIR`: make the mini distribution at DIR."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from koji_adjutant.errors import AdjutantError
from koji_adjutant.testbed.distribution.distribution import make
from koji_adjutant.testbed.distribution.recipe import RELEASE


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m koji_adjutant.testbed.distribution", description=__doc__)
    parser.add_argument("directory", type=Path, help="where to keep the distribution and what apt downloads")
    parser.add_argument(
        "--release", default=RELEASE, metavar="CODENAME", help=f"of Debian; default: {RELEASE}"
    )
    given = parser.parse_args(arguments)
    try:
        made = make(given.directory, lambda line: print(line, flush=True), release=given.release)
    except AdjutantError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{made.repo}: digest {made.digest}, source packages {' '.join(made.srpms)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
