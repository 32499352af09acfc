"""Limits in force: a package that wants more than its tag allows fails, is told which limit, and leaves nothing.

The limits are the build tag's; whose they are makes no difference to how they are enforced.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import koji
import pytest

from koji_adjutant.container import labels
from koji_adjutant.testbed.content import BUILD_TAG, TAG
from koji_adjutant.testbed.tasks import family
from tests.integration.packages import source_package
from tests.integration.running import Build, Testbed
from tests.waiting import eventually

pytestmark = pytest.mark.podman

WATCH_SECONDS = 60.0
LIMITED = "dist-md-limited"
LIMITS = {
    "pids": 300,
    "buildArch": {"memory": "1200M", "cpus": 1, "build_disk": "500M", "build_inodes": 20000},
}
WANTS_MORE = (
    (
        "greedy",
        "head -c 2000m /dev/zero | tail -c 1900m >/dev/null",
        "killed 1 of its processes for want of memory; the limit memory is 1.172 GiB: raise memory in adjutant",
    ),
    (
        "forking",
        "set +e\nfor i in $(seq 400); do sleep 10 & done 2>/dev/null\nwait\nfalse",
        "the limit pids is 300: raise pids in adjutant.limits of tag dist-md-limited",
    ),
    (
        "filling",
        "date +%s.%N\nwhile :; do head -c 20M /dev/zero >>zeros; sleep 0.1; done",
        "to its disk; the limit build_disk is 500 MiB: raise build_disk in adjutant.limits of tag",
    ),
    (
        "hiding",
        "exec 3>hidden\nrm hidden\nwhile :; do head -c 20M /dev/zero >&3; sleep 0.1; done",
        "to its disk; the limit build_disk is 500 MiB: raise build_disk in adjutant.limits of tag",
    ),
    (
        "littering",
        "mkdir litter\ncd litter\ni=0\nwhile :; do : >$((i++)); done",
        "files; the limit build_inodes is 20000: raise build_inodes in adjutant.limits of tag",
    ),
)
"""Packages that want more than LIMITS allow: name, script of %build, and what is said of the limit."""


@pytest.fixture(scope="module")
def target(testbed: Testbed) -> Iterator[str]:
    """A target whose build tag has limits, and is else as the usual one."""
    make_limited_target(testbed.session, testbed.description.arch)
    testbed.regenerate(LIMITED)
    yield LIMITED
    testbed.session.deleteBuildTarget(LIMITED)
    testbed.session.deleteTag(LIMITED)


def make_limited_target(admin: Any, arch: str) -> None:
    """It has no repo yet."""
    admin.createTag(LIMITED, parent=BUILD_TAG, arches=arch)
    admin.editTag2(LIMITED, extra={"adjutant.limits": LIMITS})
    admin.createBuildTarget(LIMITED, LIMITED, TAG)


def build(testbed: Testbed, directory: Path, target: str, name: str, script: str) -> Build:
    srpm = source_package(directory, name, head="BuildArch: noarch", build=script)
    return testbed.build(srpm, "--scratch", target=target)


def fault_of(testbed: Testbed, made: Build) -> str:
    """What the hub was told of the buildArch task, as a BuildError that begins as Koji's users know it."""
    task = made.task("buildArch")
    assert task.state == "FAILED", made.output
    with pytest.raises(koji.BuildError) as caught:
        testbed.session.getTaskResult(task.id)
    said = str(caught.value)
    assert said.startswith("error building package (arch noarch), build exited with status 1; see build.log")
    return said


def test_a_build_within_its_limits_knows_them(testbed: Testbed, tmp_path: Path, target: str) -> None:
    script = 'echo "jobs %{_smp_build_ncpus} environment $RPM_BUILD_NCPUS"\nhead -c 50M /dev/zero >zeros'
    made = build(testbed, tmp_path, target, "modest", script)
    assert made.returncode == 0, made.output
    output = testbed.output(made.task("buildArch"))
    (said,) = [line for line in (output / "build.log").read_text().splitlines() if line.startswith("jobs ")]
    assert said == "jobs 1 environment 1"
    config = (output / "mock_config.log").read_text()
    for row in (
        "limit memory = 1.172 GiB (adjutant.limits of tag dist-md-limited)",
        "limit cpus = 1 (adjutant.limits of tag dist-md-limited)",
        "limit pids = 300 (adjutant.limits of tag dist-md-limited)",
        "limit build_disk = 500 MiB (adjutant.limits of tag dist-md-limited)",
        "limit build_inodes = 20000 (adjutant.limits of tag dist-md-limited)",
        "network of the build = none",
        "image policy = task_image_default = ",
    ):
        assert row in config


@pytest.mark.parametrize(("name", "script", "said"), WANTS_MORE, ids=[one[0] for one in WANTS_MORE])
def test_a_build_that_wants_more_is_told_what_to_raise(  # noqa: PLR0917
    testbed: Testbed, tmp_path: Path, target: str, name: str, script: str, said: str
) -> None:
    made = build(testbed, tmp_path, target, name, script)
    assert said in fault_of(testbed, made)


def test_a_full_disk_stops_the_build_at_once_and_is_empty_afterwards(
    testbed: Testbed, tmp_path: Path, target: str
) -> None:
    """20 MB in every tenth of a second: what is there in the end tells how long nobody stopped it."""
    script = "mkdir zeros\ni=0\nwhile :; do head -c 20M /dev/zero >zeros/$i; echo written $((i++)); sleep 0.1; done"
    made = build(testbed, tmp_path, target, "flooding", script)
    assert "build_disk is 500 MiB" in fault_of(testbed, made)
    log = (testbed.output(made.task("buildArch")) / "build.log").read_text()
    pieces = sum(line.startswith("written ") for line in log.splitlines())
    # 25 pieces reach the limit; in two seconds there could be twenty more.
    assert 24 <= pieces <= 45
    layers = testbed.engine.layout.storage / "overlay"
    assert not list(layers.glob("*/diff/builddir/build/BUILD/**/zeros"))


def test_a_disk_watch_that_somebody_kills_is_begun_again(
    testbed: Testbed, tmp_path: Path, target: str
) -> None:
    script = "sleep 10\nwhile :; do head -c 20M /dev/zero >>zeros; sleep 0.1; done"
    srpm = source_package(tmp_path, "watched", head="BuildArch: noarch", build=script)
    done = testbed.koji("build", "--nowait", "--scratch", target, str(srpm))
    (number,) = re.findall(r"^Created task: (\d+)$", done.stdout, re.MULTILINE)
    first = watch_of(testbed, int(number), "")
    testbed.engine.podman("kill", first)
    watch_of(testbed, int(number), first)
    testbed.wait_task(int(number))
    made = Build(returncode=1, output=done.stdout, tasks=tuple(family(testbed.session, int(number))))
    assert "build_disk is 500 MiB: raise build_disk" in fault_of(testbed, made)


def watch_of(testbed: Testbed, number: int, other: str) -> str:
    """The container, not `other`, that watches the disk of the buildArch task of a build."""

    def look() -> list[str]:
        role = f"--filter=label={labels.ROLE}={labels.Role.TOOL}"
        tasks = [task for task in family(testbed.session, number) if task.method == "buildArch"]
        owners = [f"--filter=label={labels.TASK}={task.id}" for task in tasks]
        listed = [testbed.engine.podman("ps", "--quiet", "--no-trunc", own, role) for own in owners]
        return [one for text in listed for one in text.split() if one != other]

    return eventually(look, "a disk watch", seconds=WATCH_SECONDS)[0]


@pytest.fixture
def tiny(testbed: Testbed) -> Iterator[str]:
    """A target whose buildroots may not have as much as their packages need; of options that no image has."""
    tag = "dist-md-tiny"
    testbed.session.createTag(tag, parent=BUILD_TAG, arches=testbed.description.arch)
    testbed.session.editTag2(tag, extra={"adjutant.limits": {"build_disk": "40M"}, "mock.releasever": "1"})
    testbed.session.createBuildTarget(tag, tag, TAG)
    testbed.regenerate(tag)
    yield tag
    testbed.session.deleteBuildTarget(tag)
    testbed.session.deleteTag(tag)


def test_an_installation_that_fills_the_disk_is_the_buildroots_fault(testbed: Testbed, tiny: str) -> None:
    made = testbed.build(testbed.srpm("hello"), "--scratch", target=tiny)
    task = next(task for task in made.tasks if task.state == "FAILED" and task.method != "build")
    with pytest.raises(
        koji.BuildrootError, match=r"build_disk is 40 MiB: raise build_disk in adjutant\.limits"
    ):
        testbed.session.getTaskResult(task.id)


def test_limits_that_cannot_be_understood_fail_the_task(testbed: Testbed) -> None:
    tag = "dist-md-misspelt"
    testbed.session.createTag(tag, parent=BUILD_TAG, arches=testbed.description.arch)
    try:
        testbed.session.editTag2(tag, extra={"adjutant.limits": {"memory": "plenty"}})
        task = testbed.wait_task(testbed.session.newRepo(tag))
        assert task.state == "FAILED"
        assert "memory=plenty: expected a size" in testbed.fault(task.id)
        testbed.session.editTag2(tag, extra={"adjutant.limits": {"memory": "1G"}})
        testbed.regenerate(tag)
    finally:
        testbed.session.deleteTag(tag)
