"""New repos of a tag that has as many packages as a distribution: what the first build in each of them waits for.

All repos are made before the first build, the newest of them as the oldest: what the daemon does in advance for the
newest repo of a tag in use then helps none that is measured.
"""

import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import koji

from benchmarks.bare import makecache_seconds
from benchmarks.bench import Bench, Measurement
from benchmarks.bench_testbed import BenchFailed, forget
from benchmarks.figures import Against, Figure, figure
from koji_adjutant.container import labels
from koji_adjutant.journal.phases import Phase
from koji_adjutant.testbed.demo.report import say
from koji_adjutant.testbed.synthetic.repository import SyntheticRepo
from koji_adjutant.testbed.synthetic.tag import LARGE_TAG, add_large_tag, new_large_repo
from koji_adjutant.testbed.tasks import Task

BEFORE, AFTER = SyntheticRepo(generation=0), SyntheticRepo(generation=1)
GRACE = 1.0
"""Seconds that a changed repo may cost beside a bare makecache."""
KEPT_BY_REPO = ("metadata", "solutions")


@dataclass(frozen=True, kw_only=True)
class First:
    """The first build in a new repo, and the one after it."""

    first: Task
    second: Task

    @property
    def extra(self) -> float:
        return self.first.seconds - self.second.seconds


def real_size(bench: Bench) -> Iterator[Figure]:
    add_large_tag(bench.testbed.session)
    oldest, *repos = [_repo(bench, BEFORE) for _ in range(1 + bench.rounds)]
    changed = [_repo(bench, AFTER) for _ in range(bench.rounds)]
    _repo(bench, BEFORE)
    for _ in range(2):
        bench.built("hello", repo=oldest, tag=LARGE_TAG)
        bench.testbed.settle()
    same = [_builds(bench, repo) for repo in repos]
    yield _figure(bench, "new_repo_extra", same, "the next build in the same repo")
    different, makecache = [], []
    for number, repo in enumerate(changed):
        known = _kept(bench)
        different.append(_builds(bench, repo))
        for path in _kept(bench) - known:
            forget(path)
        makecache.append(
            makecache_seconds(_url(bench, repo), bench.storage.directory / f"makecache-{number}")
        )
        say(f"    changed: {different[-1].extra:.2f} s more; dnf makecache {makecache[-1]:.2f} s")
    bare = statistics.median(makecache)
    yield _figure(
        bench, "new_repo_changed_extra", different, "bare dnf makecache", value=bare, limit=bare + GRACE
    )


def _repo(bench: Bench, wanted: SyntheticRepo) -> int:
    cache = bench.distribution.directory.parent / "synthetic"
    return new_large_repo(bench.testbed.session, Path(bench.testbed.description.topdir), cache, wanted)


def _url(bench: Bench, repo: int) -> str:
    description = bench.testbed.description
    return f"{koji.PathInfo(description.topurl).repo(repo, LARGE_TAG)}/{description.arch}"


def _builds(bench: Bench, repo: int) -> First:
    first = bench.built("hello", repo=repo, tag=LARGE_TAG)
    installers = [
        event
        for event in bench.testbed.journal()
        if event.task == first.id
        and event.name == Phase.CONTAINER_CREATED
        and event.details.get("role") == labels.Role.INSTALLER.value
    ]
    if installers:
        raise BenchFailed(
            f"task {first.id} has installed packages, with the same ones in repo {repo} as before"
        )
    return First(first=first, second=bench.built("hello", repo=repo, tag=LARGE_TAG))


def _figure(
    bench: Bench, name: str, builds: list[First], what: str, *, value: float = 0.0, limit: float | None = None
) -> Figure:
    bench.explain([build.first for build in builds])
    against = Against(what=what, value=value or statistics.median(build.second.seconds for build in builds))
    return figure(name, [build.extra for build in builds], against=against, limit=limit)


def _kept(bench: Bench) -> set[Path]:
    """What the host has kept of repos so far."""
    return {path for name in KEPT_BY_REPO for path in (bench.testbed.config.cache_dir / name).glob("*")}


MEASUREMENTS = (Measurement(names=("new_repo_extra", "new_repo_changed_extra"), measure=real_size),)
