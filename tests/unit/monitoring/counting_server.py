"""A status server, as far as it counts: counts without a pause, and keeps it as often as it can, until it is killed.

Shows how many tasks were closed: a line for each time it has counted.
"""

import sys
from pathlib import Path

from koji_adjutant.monitoring import families
from koji_adjutant.monitoring.counters import Counters


def main(state_dir: Path, own_dir: Path, shown: Path) -> None:
    counters = Counters(state_dir, own_dir, save_seconds=0.01)
    with shown.open("a", buffering=1) as lines:
        while True:
            counters.refresh()
            ended = counters.tally.of(families.TASKS_ENDED)
            lines.write(f"{sum(cells[0] for labels, cells in ended if 'closed' in labels)}\n")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
