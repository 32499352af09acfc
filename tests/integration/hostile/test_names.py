"""A build request whose source leaves the hub's work directory: anybody may send one with the unmodified library."""

import koji
import pytest

from koji_adjutant.testbed.content import BUILD_TAG, TAG, TARGET
from koji_adjutant.testbed.tasks import family
from tests.integration.hostile.conftest import HOSTILE, Hostile

pytestmark = pytest.mark.podman

SLASHED = "rhel/9.2+x"
UPWARDS = "/".join([".."] * 24)


@pytest.mark.parametrize(
    ("target", "source"),
    [
        # With a rebuildSRPM task, and without.
        (TARGET, "cli-build/x/evil?/{up}{victim}"),
        (HOSTILE, "cli-build/x/evil?/{up}{victim}"),
        (TARGET, "{up}{victim}"),
        (HOSTILE, "cli-build/x/../../../{up}{victim}"),
        (HOSTILE, "{victim}"),
        (HOSTILE, "cli-build/x/evil\n\u202e.src.rpm"),
    ],
)
def test_a_source_that_is_no_plain_name_touches_nothing(hostile: Hostile, target: str, source: str) -> None:
    testbed = hostile.testbed
    evil = testbed.topdir / "work/cli-build/x/evil"
    evil.parent.mkdir(parents=True, exist_ok=True)
    evil.write_text("evil")
    victim = hostile.scratch / "cron.d" / "x"
    victim.parent.mkdir(exist_ok=True)
    victim.write_text("untouched")
    number = int(testbed.session.build(source.format(up=UPWARDS, victim=victim), target, {"scratch": True}))
    assert testbed.wait_task(number).state == "FAILED"
    with pytest.raises(koji.BuildError, match="is not a plain name below a directory") as caught:
        testbed.session.getTaskResult(number)
    assert str(caught.value).isprintable()
    assert [task.method for task in family(testbed.session, number)] == ["build"]
    assert [path.name for path in victim.parent.iterdir()] == ["x"]
    assert victim.read_text() == "untouched"
    assert evil.read_text() == "evil"


@pytest.mark.parametrize("method", ["rebuildSRPM", "buildArch"])
def test_a_task_of_a_name_like_that_touches_nothing(hostile: Hostile, method: str) -> None:
    """As another builder of an older version would hand it out, without having looked."""
    testbed = hostile.testbed
    victim = hostile.scratch / "victim"
    victim.write_text("untouched")
    source = f"cli-build/x/evil?/{UPWARDS}{victim}"
    tag = testbed.session.getBuildTarget(TARGET)["build_tag"]
    repo = {"repo_id": testbed.session.getRepo(tag)["id"]}
    arch = testbed.description.arch
    request = [source, tag, repo] if method == "rebuildSRPM" else [source, tag, arch, True, repo]
    number = int(testbed.session.makeTask(method, request, arch=arch))
    assert testbed.wait_task(number).state == "FAILED"
    with pytest.raises(koji.BuildError, match="is not a plain name below a directory") as caught:
        testbed.session.getTaskResult(number)
    assert str(caught.value).isprintable()
    assert victim.read_text() == "untouched"


def test_a_tag_with_a_slash_has_a_repo_and_builds(hostile: Hostile) -> None:
    """A hub takes such names, and their repos are so many directories."""
    testbed = hostile.testbed
    admin = testbed.session
    admin.createTag(SLASHED, parent=BUILD_TAG, arches=testbed.description.arch)
    admin.createBuildTarget("slashed", SLASHED, TAG)
    repo = testbed.regenerate(SLASHED)
    assert (testbed.topdir / "repos/rhel/9.2+x" / str(repo)).is_dir()
    build = testbed.build(testbed.srpm("hello"), "--scratch", target="slashed")
    assert build.returncode == 0, build.output
