"""Tags and packages whose builds stay in one phase until they are taken away; a table of how long that took."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.testbed.content import BUILD_TAG, TAG, add_external_repo
from koji_adjutant.testbed.packages_source import publish
from tests.integration.cancel.measure import Watch, watching
from tests.integration.packages import repository
from tests.integration.running import Testbed
from tests.summary import show_at_the_end
from tests.waiting import eventually

CANCEL = "dist-md-cancel"
WITH_HANGING = "dist-md-cancel-hanging"
"""Its install group has a package whose scriptlet does not end."""
WITH_MARKER = "dist-md-cancel-marker"
"""Its install group is no other tag's."""
PULLING = "dist-md-cancel-pulling"
TAGS = (CANCEL, WITH_HANGING, WITH_MARKER, PULLING)
STUBBORN = "trap '' TERM INT HUP QUIT USR1 USR2 PIPE; while :; do sleep 1; done"
PACKAGE = """\
Name: {name}
Version: 1
Release: 1
Summary: A package of a test
License: MIT
BuildArch: noarch
{head}
%description
{name}.

{body}
%files
{files}
"""
HANGS = f"%post\n{STUBBORN}\n"


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Source packages on the hub, made when they are wanted."""

    testbed: Testbed
    directory: Path
    builds: list[int] = field(default_factory=list)

    def build(
        self,
        name: str,
        *,
        body: str = "%build\ntrue\n",
        head: str = "",
        files: str = "",
        target: str = CANCEL,
    ) -> int:
        """A scratch build of a package of that name; its task."""
        spec = self.directory / f"{name}.spec"
        spec.write_text(PACKAGE.format(name=name, head=head, body=body, files=files))
        run("rpmbuild", "-bs", "--nodeps", "--define", f"_topdir {self.directory}", str(spec))
        made = self.directory / "SRPMS" / f"{name}-1-1.src.rpm"
        there = Path("cli-build", f"cancel-{name}-{target}", made.name)
        uploaded = self.testbed.topdir / "work" / there
        uploaded.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(made, uploaded)
        self.builds.append(int(self.testbed.session.build(str(there), target, {"scratch": True})))
        return self.builds[-1]

    def cancel_all(self) -> None:
        """A test that fails leaves nothing to the next one."""
        while self.builds:
            self.testbed.session.cancelTask(self.builds.pop())


def run(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True)


def make_repo(directory: Path) -> Path:
    for name, body in (("cancel-hangs", HANGS), ("cancel-marker", "")):
        spec = directory / f"{name}.spec"
        spec.write_text(PACKAGE.format(name=name, head="", body=body, files=""))
        places = ["--define", f"_topdir {directory}", "--define", f"_rpmdir {directory}/Packages"]
        run("rpmbuild", "-bb", "--nodeps", *places, str(spec))
    return repository(directory)


@pytest.fixture
def sources(sources_of_all: Sources) -> Iterator[Sources]:
    yield sources_of_all
    sources_of_all.cancel_all()
    eventually(lambda: not sources_of_all.testbed.work_directories(), "work directories are gone")


@pytest.fixture(scope="package")
def sources_of_all(testbed: Testbed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sources]:
    external = make_repo(tmp_path_factory.mktemp("cancel"))
    url = publish(external, testbed.topdir, testbed.description.topurl, "external/cancel")
    admin = testbed.session
    for tag, parent in zip(TAGS, (BUILD_TAG, CANCEL, CANCEL, CANCEL), strict=True):
        admin.createTag(tag, parent=parent, arches=testbed.description.arch)
        admin.editTag2(tag, extra={"rebuild_srpm": False})
        admin.createBuildTarget(tag, tag, TAG)
    add_external_repo(admin, CANCEL, "cancel", url, priority=5)
    admin.groupPackageListAdd(WITH_HANGING, "build", "cancel-hangs")
    admin.groupPackageListAdd(WITH_MARKER, "build", "cancel-marker")
    for task in [admin.newRepo(tag) for tag in TAGS]:
        assert testbed.wait_task(task).state == "CLOSED"
    yield Sources(testbed=testbed, directory=tmp_path_factory.mktemp("sources"))
    for tag in reversed(TAGS):
        admin.deleteBuildTarget(tag)
        admin.deleteTag(tag)


@pytest.fixture(scope="package")
def watch(testbed: Testbed, request: pytest.FixtureRequest) -> Iterator[Watch]:
    with watching(testbed) as made:
        yield made
    for ending in made.endings:
        show_at_the_end(request.config, f"canceled while {ending}")


def set_image(admin: Any, tag: str, image: str) -> None:
    """The task image of a tag."""
    policy = {"version": "1.0", "rules": [{"type": "default", "image": image}]}
    admin.editTag2(tag, extra={"adjutant_image_policy": policy})
