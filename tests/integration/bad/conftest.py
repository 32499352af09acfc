"""A tag whose external repo has bad packages, on the testbed that all integration tests share.

Whatever a test does to the repo or to the host's caches, the next build with a good package of that repo works.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import koji
import pytest

from koji_adjutant.testbed.content import BUILD_TAG, TAG, add_external_repo
from koji_adjutant.testbed.packages_source import publish
from koji_adjutant.testbed.tasks import Task
from tests.integration.bad.packages import make_repo
from tests.integration.configured import configured
from tests.integration.packages import source_package
from tests.integration.running import Build, Testbed

BAD = "dist-md-bad"
# An install group has 420 MiB.
LIMITS = {"build_disk": "700M", "pids": 600}
PATIENCE = 60.0


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A build that failed: the task at fault, and what it told the hub."""

    task: Task
    error: Exception
    logs: Path

    @property
    def message(self) -> str:
        return str(self.error)

    def log(self, name: str) -> str:
        return (self.logs / name).read_text(errors="replace")


@dataclass(frozen=True, kw_only=True)
class Bad:
    """The tag, its target of the same name, and the external repo at `packages`."""

    testbed: Testbed
    external: Path
    scratch: Path

    @property
    def repo(self) -> Path:
        """The newest repo of the tag."""
        number = self.testbed.session.getRepo(BAD)["id"]
        arch = self.testbed.description.arch
        return Path(koji.PathInfo(str(self.testbed.topdir)).repo(number, BAD)) / arch

    def source(self, name: str, *requires: str, build: str = "true", head: str = "") -> Path:
        """A source package with these BuildRequires."""
        lines = "".join(f"BuildRequires: {one}\n" for one in requires)
        return source_package(self.scratch, name, head=f"BuildArch: noarch\n{lines}{head}", build=build)

    def build(self, srpm: Path | str) -> Build:
        return self.testbed.build(srpm, "--scratch", target=BAD)

    def failure(self, srpm: Path | str) -> Failure:
        """How the build of it fails: by an error that Koji's users know, with its buildroot expired."""
        build = self.build(srpm)
        assert build.returncode == 1, build.output
        return self.failure_of(build.task("buildArch"))

    def failure_of(self, task: Task) -> Failure:
        assert task.state == "FAILED", task
        for buildroot in self.testbed.session.listBuildroots(taskID=task.id):
            assert buildroot["state"] == koji.BR_STATES["EXPIRED"]
        with pytest.raises((koji.BuildrootError, koji.BuildError)) as raised:
            self.testbed.session.getTaskResult(task.id)
        return Failure(task=task, error=raised.value, logs=self.testbed.output(task))

    def still_builds(self, *requires: str) -> Task:
        """What a good package of the same repo, on the same host, gets afterwards: a build."""
        build = self.build(self.source("good", *(requires or ("bad-not-at-all",))))
        assert build.returncode == 0, build.output
        return build.task("buildArch")


@pytest.fixture(scope="session")
def bad_tag(testbed: Testbed, tmp_path_factory: pytest.TempPathFactory) -> Bad:
    """The tag with its first repo. It goes with the testbed."""
    external = make_repo(tmp_path_factory.mktemp("bad"))
    url = publish(external, testbed.topdir, testbed.description.topurl, "external/bad")
    admin = testbed.session
    admin.createTag(BAD, parent=BUILD_TAG, arches=testbed.description.arch)
    # What is to fail fails in buildArch, without a source package made before.
    admin.editTag2(BAD, extra={"rebuild_srpm": False, "adjutant.limits": LIMITS})
    add_external_repo(admin, BAD, "bad", url, priority=5)
    admin.createBuildTarget(BAD, BAD, TAG)
    testbed.regenerate(BAD)
    return Bad(testbed=testbed, external=external, scratch=tmp_path_factory.mktemp("sources"))


@pytest.fixture
def bad(bad_tag: Bad) -> Bad:
    """The tag, in a host that has its image by now or does not."""
    return bad_tag


@pytest.fixture
def impatient(bad: Bad) -> Iterator[Bad]:
    """The same on a host where an installation may take a few seconds; a root with the install group is there."""
    bad.still_builds()
    with configured(bad.testbed, install_timeout="8"):
        yield bad
