"""A tag whose external repo has packages to require, and whose base has one that others cannot be beside.

It goes with the testbed.
"""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import koji
import pytest

from koji_adjutant.testbed.content import BUILD_TAG, TAG, add_external_repo
from koji_adjutant.testbed.packages_source import publish
from koji_adjutant.testbed.tasks import Task
from tests.integration.packages import repository, source_package
from tests.integration.running import Build, Testbed

NAME = "dist-md-wanted"
SPEC = Path(__file__).with_name("data") / "requirements.spec"
BASE = ("libq-minimal", "libq-app")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The tag, with its target of the same name."""

    testbed: Testbed
    scratch: Path

    def source(self, name: str, *lines: str, generated: tuple[str, ...] = (), build: str = "true") -> Path:
        """A source package with these lines in its head, and with generated BuildRequires."""
        asked = "".join(f"echo '{text}'\n" for text in generated)
        head = "\n".join(("BuildArch: noarch", *lines)) + "\n"
        tail = f"{build}\n%generate_buildrequires\n{asked}" if generated else build
        return source_package(self.scratch, name, head=head, build=tail)

    def build(self, srpm: Path) -> Build:
        return self.testbed.build(srpm, "--scratch", target=NAME)

    def added(self, srpm: Path) -> tuple[Task, set[str], set[str]]:
        """The task of a build, what it had beside the base, and what it did not have of it."""
        build = self.build(srpm)
        assert build.returncode == 0, build.output
        task = build.task("buildArch")
        (buildroot,) = self.testbed.session.listBuildroots(taskID=task.id)
        rows = self.testbed.session.listRPMs(componentBuildrootID=buildroot["id"])
        installed = installed_at_the_end(self.testbed, task)
        late = {row["name"] for row in rows if row["is_update"]}
        return task, late, {row["name"] for row in rows} - installed

    def failure(self, srpm: Path) -> tuple[str, str]:
        """What the hub is told, and root.log."""
        build = self.build(srpm)
        assert build.returncode == 1, build.output
        task = build.task("buildArch")
        with pytest.raises((koji.BuildrootError, koji.BuildError)) as raised:
            self.testbed.session.getTaskResult(task.id)
        return str(raised.value), (self.testbed.output(task) / "root.log").read_text(errors="replace")


def installed_at_the_end(testbed: Testbed, task: Task) -> set[str]:
    """Names in installed_pkgs.log."""
    lines = (testbed.output(task) / "installed_pkgs.log").read_text().splitlines()
    return {line.split()[0].rsplit("-", 2)[0] for line in lines}


@pytest.fixture(scope="session")
def wanted(testbed: Testbed, tmp_path_factory: pytest.TempPathFactory) -> Wanted:
    """The tag with its first repo."""
    external = tmp_path_factory.mktemp("wanted")
    defines = {
        "_topdir": str(external / "work"),
        "_rpmdir": str(external / "Packages"),
        "_rpmfilename": "%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm",
    }
    words = [word for name, value in defines.items() for word in ("--define", f"{name} {value}")]
    subprocess.run(["rpmbuild", "-bb", "--nodeps", *words, str(SPEC)], check=True, capture_output=True)
    url = publish(repository(external), testbed.topdir, testbed.description.topurl, "external/wanted")
    admin = testbed.session
    admin.createTag(NAME, parent=BUILD_TAG, arches=testbed.description.arch)
    admin.editTag2(NAME, extra={"rebuild_srpm": False})
    add_external_repo(admin, NAME, "wanted", url, priority=5)
    (group,) = [group for group in admin.getTagGroups(BUILD_TAG) if group["name"] == "build"]
    admin.groupListAdd(NAME, "build")
    for name in (*(package["package"] for package in group["packagelist"]), *BASE):
        admin.groupPackageListAdd(NAME, "build", name)
    admin.createBuildTarget(NAME, NAME, TAG)
    testbed.regenerate(NAME)
    return Wanted(testbed=testbed, scratch=tmp_path_factory.mktemp("sources"))
