"""`python -m tests.faults --minutes M --seed S`: a fault run of its own, its table, and last one line of numbers."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import SystemRandom

from tests.faults.report import say, show
from tests.faults.soak import run


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=None, help="of a run that is to be repeated")
    parser.add_argument("--keep", type=Path, default=None, help="where logs are put when the run is over")
    arguments = parser.parse_args(argv)
    seed = SystemRandom().randrange(1 << 32) if arguments.seed is None else arguments.seed
    say(f"seed {seed}")
    with tempfile.TemporaryDirectory(prefix="koji-adjutant-soak-") as directory:
        account = run(
            Path(directory) / "t", minutes=arguments.minutes, seed=seed, say=say, keep=arguments.keep
        )
    show(account)
    return 0 if account.is_well else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
