"""`python -m benchmarks`: what a build and a repo cost on this machine, beside what they would cost without us.

Medians, on a testbed of their own that is removed at the end; also written to benchmarks/latest.json. Everything is
measured by the hub's clock, from a task's opening to its end.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from koji_adjutant.buildroot.images import pending_requests
from koji_adjutant.config import load_config
from koji_adjutant.testbed.client import admin_session, koji_command
from koji_adjutant.testbed.content import BUILD_TAG, TARGET
from koji_adjutant.testbed.createrepo_cost import bare_seconds
from koji_adjutant.testbed.description import Description
from koji_adjutant.testbed.engine import Engine
from koji_adjutant.testbed.place import Place, place_at
from koji_adjutant.testbed.report import say
from koji_adjutant.testbed.stand import Options, bring_down, bring_up
from koji_adjutant.testbed.tasks import Task, newest_task, task_output, tasks_after

ROUNDS = 5
PACKAGES = ("hello", "needsdeps")
RESULTS = Path(__file__).parent / "latest.json"


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A testbed to measure on."""

    place: Place
    description: Description
    session: Any

    def run(self, *arguments: str) -> tuple[Task, ...]:
        """A command of the client, and the tasks that it made."""
        newest = newest_task(self.session)
        subprocess.run(koji_command(self.place, *arguments), check=True, stdout=subprocess.DEVNULL)
        return tasks_after(self.session, newest)

    def build(self, package: str) -> float:
        """Seconds of a buildArch."""
        tasks = self.run("build", "--wait", "--scratch", TARGET, self.description.srpms[package])
        return seconds_of("buildArch", tasks)

    def wait_for_images(self) -> None:
        config = load_config(self.place.kojid_conf)
        while any(pending_requests(config)):
            time.sleep(0.1)

    def createrepo(self) -> tuple[float, float]:
        """Seconds of the task, and of its commands alone."""
        tasks = self.run("regen-repo", "--make-task", "--wait", BUILD_TAG)
        task = next(task for task in tasks if task.method == "createrepo")
        return task.seconds, bare_seconds(task_output(Path(self.description.topdir), task.id))


def seconds_of(method: str, tasks: Sequence[Task]) -> float:
    return next(task.seconds for task in tasks if task.method == method)


@contextmanager
def bench() -> Iterator[Bench]:
    place = place_at(Path(tempfile.mkdtemp(prefix="koji-adjutant-bench-")))
    try:
        description = bring_up(place, Options(), say)
        session = admin_session(place, description.server)
        yield Bench(place=place, description=description, session=session)
        session.logout()
    finally:
        bring_down(place, say)
        Engine(place.engine).destroy()
        shutil.rmtree(place.directory)


def measure(one: Bench) -> Iterator[tuple[str, float]]:
    """Name and seconds of each figure."""
    for package in PACKAGES:
        yield f"buildArch of {package}, no image of the buildroot", one.build(package)
        one.wait_for_images()
        warm = [one.build(package) for _ in range(ROUNDS)]
        yield f"buildArch of {package}, image there, median of {ROUNDS}", statistics.median(warm)
    repos = [one.createrepo() for _ in range(ROUNDS)]
    yield f"createrepo, median of {ROUNDS}", statistics.median(task for task, _ in repos)
    yield f"its commands alone, median of {ROUNDS}", statistics.median(bare for _, bare in repos)


def main() -> int:
    with bench() as one:
        figures = dict(measure(one))
    for name, seconds in figures.items():
        say(f"{seconds:7.2f} s  {name}")
    load = os.getloadavg()[0]
    say(f"          on {os.cpu_count()} processors, load average at the end {load:.1f}")
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
