"""A tag with hostile packages, on the testbed that all integration tests share, and those who would answer them.

The tools of the packages are made by a build of the testbed's own. What hostile packages do to their containers, the
next build does not see; the tests say so.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

import koji
import pytest

from koji_adjutant.container.interface import Timeouts
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.testbed.content import BUILD_TAG, TAG, TARGET, add_external_repo
from koji_adjutant.testbed.packages_source import publish
from koji_adjutant.testbed.tasks import Task, family
from tests.integration.hostile.attempts import IN_ITS_OWN_LAYER, LEAVE, SCRIPTLET
from tests.integration.hostile.listeners import Listeners, listening
from tests.integration.packages import repository, source_package
from tests.integration.running import Testbed

HOSTILE = "dist-md-hostile"
# An install group has 420 MiB.
LIMITS = {
    "pids": 300,
    "buildArch": {"memory": "1200M", "build_disk": "500M", "build_inodes": 20000},
}
DATA = Path(__file__).with_name("data")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A build that ended; `error` is what the hub was told, if it failed."""

    task: Task
    error: koji.GenericError | None
    logs: Path

    def log(self, name: str) -> str:
        return (self.logs / name).read_text(errors="replace")

    @property
    def said(self) -> str:
        """What the hub was told."""
        assert self.error is not None, self.task
        return str(self.error)


@dataclass(frozen=True, kw_only=True)
class Hostile:
    """The tag, its target of the same name, and all that hostile packages would like to reach."""

    testbed: Testbed
    scratch: Path
    tools: Path
    """The packages with the tools."""
    places: Mapping[str, str]
    listeners: Listeners

    def word(self, pattern: str) -> str:
        """An attempt at a thing of this host's."""
        return pattern.format(**self.places)

    def start(self, name: str, build: str, *requires: str, head: str = "") -> int:
        """A build of a package that does this in %build; its task."""
        lines = "".join(f"BuildRequires: {one}\n" for one in requires)
        srpm = source_package(self.scratch, name, head=f"BuildArch: noarch\n{lines}{head}", build=build)
        return start(self.testbed, srpm, HOSTILE)

    def done(self, number: int) -> Outcome:
        return outcome(self.testbed, number)

    def build(self, name: str, build: str, *requires: str, head: str = "") -> Outcome:
        return self.done(self.start(name, build, *requires, head=head))

    def still_builds(self, script: str = "true") -> Outcome:
        """What a good package gets on the same host afterwards: a build."""
        found = self.build("good", script)
        assert found.error is None, found.log("build.log")
        return found


def start(testbed: Testbed, srpm: Path, target: str) -> int:
    """A scratch build of a source package that was uploaded."""
    place = f"cli-build/{os.getpid()}/{srpm.name}"
    uploaded = testbed.topdir / "work" / place
    uploaded.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(srpm, uploaded)
    return int(testbed.session.build(place, target, {"scratch": True}))


def outcome(testbed: Testbed, number: int) -> Outcome:
    testbed.wait_task(number)
    task = next(task for task in family(testbed.session, number) if task.method == "buildArch")
    for buildroot in testbed.session.listBuildroots(taskID=task.id):
        assert buildroot["state"] == koji.BR_STATES["EXPIRED"]
    error = None
    try:
        testbed.session.getTaskResult(task.id)
    except koji.GenericError as raised:
        error = raised
    return Outcome(task=task, error=error, logs=testbed.output(task))


@pytest.fixture(scope="session")
def hostile(
    testbed: Testbed, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Hostile]:
    """The tag with its repo. It goes with the testbed."""
    scratch = tmp_path_factory.mktemp("hostile")
    with ExitStack() as stack:
        listeners = stack.enter_context(listening(testbed.engine.gateway))
        process = stack.enter_context(bystander())
        places = {**asdict(listeners), **places_of(testbed, scratch), "process": str(process.pid)}
        tools = make_tools(testbed, scratch, places)
        make_tag(testbed, tools, {} if request.config.getoption("--without-limits") else LIMITS)
        yield Hostile(testbed=testbed, scratch=scratch, tools=tools, places=places, listeners=listeners)


def places_of(testbed: Testbed, scratch: Path) -> dict[str, str]:
    """What there is on this host."""
    secret = scratch / "secret"
    secret.write_text("nobody else's business")
    config = testbed.config
    hub = urlsplit(config.server)
    found = {
        "podman": str(config.podman_socket),
        "topdir": config.topdir,
        "conf": str(testbed.layout.kojid_conf),
        "state": str(config.state_dir),
        "cache": str(config.cache_dir),
        "work": config.workdir,
        "storage": str(testbed.engine.layout.storage),
        "secret": str(secret),
    }
    missing = [path for path in found.values() if not Path(path).exists()]
    assert not missing
    return {**found, "hub": f"{hub.hostname}:{hub.port}"}


class bystander(subprocess.Popen[bytes]):  # noqa: N801 - used as a function is
    """A process of this host that nobody has to do with."""

    def __init__(self) -> None:
        super().__init__([sys.executable, "-c", "import signal; signal.pause()"])

    def __exit__(self, *raised: object) -> None:
        self.kill()
        super().__exit__(None, None, None)


def make_tools(testbed: Testbed, scratch: Path, places: Mapping[str, str]) -> Path:
    """A directory with the packages of data/tools.spec."""
    words = [LEAVE, *SCRIPTLET.values(), *IN_ITS_OWN_LAYER]
    spec = scratch / "hostile.spec"
    spec.write_text(
        (DATA / "tools.spec").read_text().replace("@SCRIPTLET@", " ".join(words).format(**places))
    )
    macros = {"_topdir": str(scratch), "_sourcedir": str(DATA)}
    define = [word for name, value in macros.items() for word in ("--define", f"{name} {value}")]
    subprocess.run(["rpmbuild", "-bs", "--nodeps", *define, str(spec)], check=True, capture_output=True)
    made = outcome(testbed, start(testbed, scratch / "SRPMS/hostile-1-1.src.rpm", TARGET))
    assert made.error is None, made.log("build.log")
    packages = scratch / "repo" / "Packages"
    packages.mkdir(parents=True)
    for path in made.logs.glob("hostile-*.rpm"):
        shutil.copyfile(path, packages / path.name)
    return packages


def make_tag(testbed: Testbed, tools: Path, limits: Mapping[str, object]) -> None:
    url = publish(repository(tools.parent), testbed.topdir, testbed.description.topurl, "external/hostile")
    admin = testbed.session
    admin.createTag(HOSTILE, parent=BUILD_TAG, arches=testbed.description.arch)
    # What is to fail fails in buildArch, without a source package made before.
    admin.editTag2(HOSTILE, extra={"rebuild_srpm": False, "adjutant.limits": dict(limits)})
    add_external_repo(admin, HOSTILE, "hostile", url, priority=5)
    admin.createBuildTarget(HOSTILE, HOSTILE, TAG)
    testbed.regenerate(HOSTILE)


@pytest.fixture(scope="session")
def manager(testbed: Testbed) -> Iterator[PodmanManager]:
    """The testbed's engine, for containers that are made without what contains a build's."""
    own = PodmanManager(testbed.engine.socket, Timeouts())
    yield own
    own.close()
