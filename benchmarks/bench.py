"""What every measurement is given, and how one is written: a function from a Bench to figures.

A measurement makes what it needs, measures in rounds (ours and what it is compared with in turn), and checks what was
built when no clock runs.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks.bare import BareRoot
from benchmarks.bench_testbed import BenchTestbed
from benchmarks.figures import Figure
from benchmarks.mock import Mock
from benchmarks.phases import breakdown
from benchmarks.storage import Storage
from koji_adjutant.testbed.content import BUILD_TAG
from koji_adjutant.testbed.demo.report import say
from koji_adjutant.testbed.distribution.distribution import Distribution
from koji_adjutant.testbed.tasks import Task


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What measurements share. `rounds` is how often everything is measured."""

    testbed: BenchTestbed
    storage: Storage
    distribution: Distribution
    root: BareRoot
    mock: Mock
    rounds: int

    def built(self, package: str, *, repo: int | None = None, tag: str = BUILD_TAG) -> Task:
        """A build whose packages were installed and run."""
        task = self.testbed.build(package, repo=repo, tag=tag)
        self.check(task, package)
        return task

    def check(self, task: Task, package: str) -> None:
        self.root.try_out(package, self.testbed.rpms(task))

    def rebuilt(self, package: str) -> float:
        """Seconds of a bare rpmbuild."""
        return self.root.rebuild(self.distribution.srpms[package])

    def warm_up(self, package: str) -> None:
        """Build until everything that makes a build faster is there: the second build of a set asks for its image."""
        for _ in range(2):
            self.built(package)
            self.testbed.settle()

    def explain(self, tasks: Sequence[Task]) -> None:
        """Print where the time went."""
        for line in breakdown(self.testbed.journal(), [task.id for task in tasks]):
            say(line)


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """`names` are those of its figures, as --only takes them."""

    names: Sequence[str]
    measure: Callable[[Bench], Iterator[Figure]]
    packages: Sequence[str] = field(default=("hello",))
    """Whose packages the bare root has to have."""
