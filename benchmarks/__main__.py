"""`python -m benchmarks`: what is claimed to be fast, measured beside what a user would pick instead.

Everything runs on a testbed and a file system of its own, made here and removed at the end. The exit code is 1 when
a figure is over its limit.
"""

import argparse
import os
import signal
import sys
from collections.abc import Generator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from benchmarks import chatty, cold, figures, imaging, repos, scale, scm, stall, status_cost, total, warm
from benchmarks.bare import make_bare_root
from benchmarks.bench import Bench, Measurement
from benchmarks.bench_testbed import MAXJOBS, bench_testbed
from benchmarks.figures import Figure, table
from benchmarks.mock import RECORDED, RealMock
from benchmarks.storage import Storage, storage
from koji_adjutant.errors import AdjutantError
from koji_adjutant.testbed.demo.report import say
from koji_adjutant.testbed.description import cache_directory
from koji_adjutant.testbed.distribution.distribution import make
from koji_adjutant.testbed.lifecycle import Options
from koji_adjutant.testbed.packages_source import distribution_directory

ROUNDS = 5
INTERRUPTED = 130
RESULTS = Path(__file__).parent / "latest.json"
MEASUREMENTS: tuple[Measurement, ...] = (
    *warm.MEASUREMENTS,
    *chatty.MEASUREMENTS,
    *stall.MEASUREMENTS,
    *imaging.MEASUREMENTS,
    *repos.MEASUREMENTS,
    *scale.MEASUREMENTS,
    *cold.MEASUREMENTS,
    *status_cost.MEASUREMENTS,
    *total.MEASUREMENTS,
    *scm.MEASUREMENTS,
    *warm.LONG,
)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    made.add_argument("--only", nargs="+", metavar="NAME", help="measure only what these figures come from")
    made.add_argument("--rounds", type=int, default=ROUNDS, metavar="N", help=f"default: {ROUNDS}")
    made.add_argument(
        "--json", type=Path, default=RESULTS, metavar="PATH", help="where the figures are written"
    )
    made.add_argument("--mock", type=Path, metavar="PATH", help="a command that takes mock's arguments")
    made.add_argument(
        "--tmpfs",
        action="store_true",
        help="on tmpfs: where a loop device on this disk is slower than a disk",
    )
    made.add_argument("--keep", action="store_true", help="leave testbed and file system as they are")
    return made


def chosen(only: Sequence[str] | None) -> list[Measurement]:
    """The measurements that some of the names come from; all when none are given."""
    known = {name for one in MEASUREMENTS for name in one.names}
    unknown = set(only or ()) - known
    if unknown:
        raise AdjutantError(
            f"no such figure: {', '.join(sorted(unknown))}", hint=f"there are {', '.join(sorted(known))}"
        )
    return [one for one in MEASUREMENTS if only is None or set(only) & set(one.names)]


def run(
    given: argparse.Namespace, wanted: Sequence[Measurement], place: Storage
) -> Generator[Figure, None, None]:
    """Bring everything up, measure, take everything down."""
    distribution = make(distribution_directory(cache_directory(os.environ, Path.home())), say)
    packages = sorted({package for one in wanted for package in one.packages})
    root = make_bare_root(place.directory / "bare", distribution, packages)
    with ExitStack() as stack:
        up = stack.enter_context(
            bench_testbed(place.directory / "testbed", Options(kojid={"maxjobs": MAXJOBS}))
        )
        mock = (
            RealMock(command=given.mock, directory=place.directory / "mock", testbed=up)
            if given.mock
            else RECORDED
        )
        bench = Bench(
            testbed=up, storage=place, distribution=distribution, root=root, mock=mock, rounds=given.rounds
        )
        for one in wanted:
            say(f"\n{', '.join(one.names)}")
            yield from one.measure(bench)
        if given.keep:
            say(f"kept: {place.directory}; koji-adjutant testbed down --dir {up.layout.directory} stops it")
            stack.pop_all()


def main(argv: Sequence[str]) -> int:
    given = parser().parse_args(argv)
    found: list[Figure] = []
    try:
        with storage(keep=given.keep, in_memory=given.tmpfs) as place:
            measure(given, place, found)
    except AdjutantError as error:
        return _cut_short(found, str(error), 1)
    except KeyboardInterrupt:
        return _cut_short(found, "interrupted", INTERRUPTED)
    report(found, place.kind, given.json or (None if given.only else RESULTS))
    return 1 if any(one.is_broken for one in found) else 0


def measure(given: argparse.Namespace, place: Storage, found: list[Figure]) -> None:
    """Add to `found` what is measured, and show it as it comes."""
    say(f"storage: {place.kind}")
    # Closed here, so that the testbed has gone before its storage does, wherever an interrupt comes.
    with closing(run(given, chosen(given.only), place)) as figures_found:
        for one in figures_found:
            found.append(one)
            say(list(table([one]))[1])


def _cut_short(found: Sequence[Figure], why: str, code: int) -> int:
    """What was measured until then is shown, and not written."""
    for line in table(found):
        say(line)
    sys.stderr.write(f"benchmarks: error: {why}\n")
    return code


def report(found: Sequence[Figure], where: str, path: Path | None) -> None:
    """Print the table and write it down."""
    say("")
    for line in table(found):
        say(line)
    say(
        f"\non {os.cpu_count()} processors, load average at the end {os.getloadavg()[0]:.1f}, storage: {where}"
    )
    for one in found:
        if one.is_broken:
            say(f"over its limit: {one.name}, {one.value:.3g} {one.unit}, at most {one.limit:.3g}")
    if path is not None:
        figures.write(path, found, where)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main(sys.argv[1:]))
