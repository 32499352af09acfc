"""Builds of a commit: what the source package of a checkout takes, and a whole build until it is tagged.

The repository is served by git's own daemon on the testbed's gateway, as long as something is measured; every round has
a commit of its own, with a release that nobody has built.
"""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import koji

from benchmarks.bench import Bench, Measurement
from benchmarks.bench_testbed import STEP, BenchFailed, BenchTestbed
from benchmarks.figures import Figure, figure
from benchmarks.total import wait_until_idle
from koji_adjutant.config import load_config
from koji_adjutant.testbed.content import BUILD_TAG, TAG, TARGET
from koji_adjutant.testbed.demo.report import say
from koji_adjutant.testbed.tasks import family

PACKAGE = "hello"
AUTHOR = ("-c", "user.name=A. Packager", "-c", "user.email=packager@example.org")
RELEASE = "Release: "
SERVED_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A work tree of a package, which is served as a repository."""

    directory: Path
    url: str

    def commit(self, release: str) -> str:
        """The URL of a new commit, of that release."""
        spec = self.directory / f"{PACKAGE}.spec"
        lines = spec.read_text().splitlines(keepends=True)
        new = [f"{RELEASE}{release}%{{?dist}}\n" if line.startswith(RELEASE) else line for line in lines]
        spec.write_text("".join(new))
        git(self.directory, "add", ".")
        git(self.directory, "commit", "--quiet", "--allow-empty", f"--message=Release {release}")
        return f"{self.url}#{git(self.directory, 'rev-parse', 'HEAD')}"


def git(directory: Path, *arguments: str) -> str:
    argv = ["git", "-C", str(directory), *AUTHOR, *arguments]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


@contextmanager
def repository(bench: Bench) -> Iterator[Repository]:
    """The package's, of the source package of the distribution, served while this lasts."""
    served = bench.storage.directory / "repositories"
    work = served / PACKAGE
    work.mkdir(parents=True, exist_ok=True)
    below = [word for name in ("topdir", "sourcedir", "specdir") for word in ("--define", f"_{name} {work}")]
    subprocess.run(["rpm", *below, "-i", bench.distribution.srpms[PACKAGE]], check=True, capture_output=True)
    git(work, "init", "--quiet", "--initial-branch=main")
    host, port = bench.testbed.engine.gateway, free_port(bench.testbed.engine.gateway)
    argv = [
        "git",
        "-c",
        "safe.directory=*",
        "daemon",
        "--export-all",
        "--reuseaddr",
        "--log-destination=none",
    ]
    argv += [f"--base-path={served}", f"--listen={host}", f"--port={port}"]
    with subprocess.Popen(argv) as daemon:
        try:
            wait_until_served(host, port, daemon)
            yield Repository(directory=work, url=f"git://{host}:{port}/{PACKAGE}/.git")
        finally:
            daemon.terminate()


def source_package(bench: Bench) -> Iterator[Figure]:
    """Seconds from open to closed of buildSRPMFromSCM, whose root is there."""
    testbed, tasks = bench.testbed, []
    with repository(bench) as repo:
        for number in range(2 + bench.rounds):
            tasks.append(testbed.finish(submit(testbed, repo.commit(f"0.{number}"))))
            testbed.settle()
    yield figure("warm_srpm_from_scm", [task.seconds for task in tasks[2:]], against=None)
    bench.explain(tasks[2:])


def submit(testbed: BenchTestbed, url: str) -> int:
    """A task that makes the source package of a commit."""
    repo = testbed.session.getRepo(BUILD_TAG)["id"]
    tag = testbed.session.getTag(BUILD_TAG, strict=True)["id"]
    return int(testbed.session.makeTask("buildSRPMFromSCM", [url, tag, {"repo_id": repo}], arch="noarch"))


def build_total(bench: Bench) -> Iterator[Figure]:
    """Seconds that somebody waits who asks for a build of a commit, until it is tagged."""
    testbed, seconds = bench.testbed, []
    with repository(bench) as repo:
        for number in range(2):
            testbed.finish(int(testbed.session.build(repo.commit(f"1.{number}"), TARGET, {})))
            testbed.settle()
        with testbed.polling_by_default():
            pause = load_config(testbed.layout.kojid_conf).sleeptime
            for number in range(bench.rounds):
                url = repo.commit(f"2.{number}")
                wait_until_idle(testbed)
                time.sleep(pause * (number + 0.5) / bench.rounds)
                began = time.time()
                task = testbed.finish(int(testbed.session.build(url, TARGET, {})))
                seconds.append(task.ended - began)
                tasks = tuple(family(testbed.session, task.id))
                bench.root.try_out(PACKAGE, built(testbed, f"2.{number}"))
                waits = ", ".join(f"{one.method} {one.waited:.1f} s" for one in tasks)
                say(f"    {seconds[-1]:.1f} s; waited: {waits}")
    yield figure("build_scm_total", seconds, against=None)


def built(testbed: BenchTestbed, release: str) -> list[Path]:
    """The packages of a release that is tagged."""
    (build,) = testbed.session.listTagged(TAG, package=PACKAGE, latest=True)
    if not build["release"].startswith(f"{release}."):
        raise BenchFailed(f"{build['nvr']} is tagged, and not release {release}")
    place = koji.PathInfo(topdir=testbed.description.topdir).build(build)
    return sorted(Path(place, testbed.description.arch).glob("*.rpm"))


def free_port(host: str) -> int:
    """A port that nobody listens on."""
    with socket.create_server((host, 0)) as server:
        return int(server.getsockname()[1])


def wait_until_served(host: str, port: int, daemon: "subprocess.Popen[bytes]") -> None:
    """Until git's daemon takes connections."""
    deadline = time.monotonic() + SERVED_SECONDS
    while time.monotonic() < deadline and daemon.poll() is None:
        try:
            socket.create_connection((host, port), timeout=SERVED_SECONDS).close()
        except ConnectionRefusedError:
            time.sleep(STEP)
        else:
            return
    raise BenchFailed("git's daemon serves nothing", hint="is git-daemon installed?")


MEASUREMENTS = (
    Measurement(names=("warm_srpm_from_scm",), measure=source_package),
    Measurement(names=("build_scm_total",), measure=build_total),
)
