"""`python -m benchmarks.modules`: the modules of ours that a warm buildArch passes through.

From the poll that takes the task to closeTask, in the daemon's main process and in the task's own: a module counts when
one of its functions was called meanwhile, not when it was only imported. Who wants to know what a build does has to
read those. It takes a testbed of its own, and two builds of hello: one that makes the image, one that is looked at.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from unittest.mock import patch

from benchmarks.bench_testbed import MAXJOBS, BenchTestbed, bench_testbed
from koji_adjutant.errors import AdjutantError
from koji_adjutant.journal.phases import Phase
from koji_adjutant.testbed.demo.report import say
from koji_adjutant.testbed.lifecycle import Options
from koji_adjutant.testbed.tasks import Task

RECORDER = Path(__file__).parent / "scripts" / "calls"
PACKAGE = "hello"
POLL = ("daemon.poll", "poll")
HANDLER = "handlers.build.buildarch"


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call of a function of ours; `at` is in seconds since the epoch."""

    pid: int
    at: float
    module: str
    function: str

    @classmethod
    def from_line(cls, line: str) -> Self:
        """A line of the recorder (scripts/calls)."""
        pid, at, module, function = line.split()
        return cls(pid=int(pid), at=float(at), module=module, function=function)


@dataclass(frozen=True, kw_only=True)
class Passed:
    """The modules that a task passed through."""

    main: frozenset[str]
    """In the daemon's main process."""
    task: frozenset[str]
    """In the task's process."""

    @property
    def all(self) -> frozenset[str]:
        return self.main | self.task

    def lines(self) -> Iterator[str]:
        """For people: where each module was, and how many there are."""
        for module in sorted(self.all):
            where = [name for name, found in (("main", self.main), ("task", self.task)) if module in found]
            yield f"{module:40} {' '.join(where)}"
        yield f"{len(self.all)} modules: {len(self.main)} in the main process, {len(self.task)} in the task's"


def passed(calls: Iterable[Call], *, main: int, opened: float, closed: float) -> Passed:
    """What was called for a task that was `opened` and `closed` at these times. Pure.

    `main` is the pid of the daemon's main process; the task's is the one that called the handler.
    """
    known = list(calls)
    polls = [call.at for call in known if call.pid == main and (call.module, call.function) == POLL]
    began = max((at for at in polls if at <= opened), default=opened)
    meanwhile = [call for call in known if began <= call.at <= closed]
    task = {call.pid for call in meanwhile if call.module == HANDLER}
    return Passed(
        main=frozenset(call.module for call in meanwhile if call.pid == main),
        task=frozenset(call.module for call in meanwhile if call.pid in task),
    )


@contextmanager
def recorded(up: BenchTestbed, file: Path) -> Iterator[None]:
    """The daemon is another one meanwhile, whose calls are written to `file`."""
    path = os.pathsep.join(filter(None, (str(RECORDER), os.environ.get("PYTHONPATH"))))
    with patch.dict(os.environ, PYTHONPATH=path, ADJUTANT_CALLS=str(file)):
        up.restart_daemon()
    try:
        yield
    finally:
        up.restart_daemon()


def measure(up: BenchTestbed) -> Passed:
    """The modules of a warm build on a testbed that is up."""
    up.build(PACKAGE)
    up.settle()
    file = up.layout.directory / "calls"
    with recorded(up, file):
        main = up.daemon.pid
        # The first build of a daemon asks the hub for more.
        up.build(PACKAGE)
        task = up.build(PACKAGE)
    opened, closed = (_time_of(up, task, phase) for phase in (Phase.OPENED, Phase.CLOSED))
    calls = (Call.from_line(line) for line in file.read_text().splitlines())
    return passed(calls, main=main, opened=opened, closed=closed)


def _time_of(up: BenchTestbed, task: Task, phase: Phase) -> float:
    found = [event.time for event in up.journal() if event.task == task.id and event.name == phase]
    return found[0].timestamp()


def main(argv: Sequence[str]) -> int:
    argparse.ArgumentParser(prog="python -m benchmarks.modules", description=__doc__).parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="kam-") as directory:
        try:
            with bench_testbed(Path(directory) / "testbed", Options(kojid={"maxjobs": MAXJOBS})) as up:
                for line in measure(up).lines():
                    say(line)
        except AdjutantError as error:
            sys.stderr.write(f"modules: error: {error}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
