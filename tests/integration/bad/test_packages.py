"""Packages that are bad: the build ends with an error that names package and log, and the next one is as ever."""

import re

import koji
import pytest

from koji_adjutant.container import labels
from koji_adjutant.journal.phases import Phase
from koji_adjutant.testbed.content import HOST
from koji_adjutant.testbed.tasks import Task, family
from tests.integration.bad.conftest import BAD, PATIENCE, Bad
from tests.waiting import eventually

pytestmark = pytest.mark.podman

ROUNDS = r"""
%generate_buildrequires
round=$(cat %{_builddir}/round 2>/dev/null || echo 0)
echo $((round + 1)) > %{_builddir}/round
for number in $(seq 0 $round); do echo "bad-loop-$number"; done
"""
WISH = """
%generate_buildrequires
echo bad-not-there
"""


def test_a_scriptlet_that_fails(bad: Bad) -> None:
    failure = bad.failure(bad.source("pre-fails", "bad-pre-fails"))
    assert "bad-pre-fails" in failure.message
    assert "root.log" in failure.message
    assert "bad-pre-fails: this failure is intended" in failure.log("root.log")


def test_scriptlets_that_never_end(impatient: Bad) -> None:
    """One waits, the other forks until it may not any more: each ends with its own container."""
    started = [start(impatient, name) for name in ("bad-hangs", "bad-forks")]
    for name, number in zip(("bad-hangs", "bad-forks"), started, strict=True):
        impatient.testbed.wait_task(number)
        failure = impatient.failure_of(arch_task(impatient, number))
        assert name in failure.message
        assert "root.log" in failure.message
    impatient.still_builds()


def test_a_hanging_scriptlet_is_canceled(bad: Bad) -> None:
    number = start(bad, "bad-hangs")
    eventually(
        lambda: "installing bad-hangs-1-1" in installing(bad, number), "it is installed", seconds=PATIENCE
    )
    task = arch_task(bad, number)
    bad.testbed.session.cancelTask(number)
    eventually(lambda: not containers_of(bad, task), "its containers are gone", seconds=PATIENCE)
    assert arch_task(bad, number).state == "CANCELED"


def installing(bad: Bad, number: int) -> str:
    """What rpm has said so far in the build of task `number`."""
    tasks = [task for task in family(bad.testbed.session, number) if task.method == "buildArch"]
    logs = [bad.testbed.output(task) / "root.log" for task in tasks]
    return "".join(log.read_text(errors="replace") for log in logs if log.exists())


def containers_of(bad: Bad, task: Task) -> list[str]:
    return bad.testbed.engine.podman(
        "ps", "--all", "--quiet", f"--filter=label={labels.TASK}={task.id}"
    ).split()


def start(bad: Bad, requires: str) -> int:
    done = bad.testbed.koji(
        "build", "--nowait", "--scratch", BAD, str(bad.source(f"with-{requires}", requires))
    )
    (number,) = re.findall(r"^Created task: (\d+)$", done.stdout, re.MULTILINE)
    return int(number)


def arch_task(bad: Bad, number: int) -> Task:
    return next(task for task in family(bad.testbed.session, number) if task.method == "buildArch")


def test_a_scriptlet_that_fills_the_disk(bad: Bad) -> None:
    failure = bad.failure(bad.source("fills-disk", "bad-fills-disk"))
    assert "build_disk" in failure.message
    bad.still_builds()


@pytest.mark.parametrize("name", ["bad-wolf", "bad-wolf-post"])
def test_a_scriptlet_that_says_that_the_disk_is_full(bad: Bad, name: str) -> None:
    """It has room. The task is not begun anew, and the host takes the next one."""
    failure = bad.failure(bad.source(f"with-{name}", name))
    assert isinstance(failure.error, koji.BuildError)
    assert "No space left on device" in failure.log("root.log")
    assert attempts(bad, failure.task.id) == 1
    assert bad.testbed.session.getHost(HOST)["ready"]
    bad.still_builds()


def test_a_build_that_says_that_the_disk_is_full(bad: Bad) -> None:
    said = "echo 'cc1: error: No space left on device'; echo 'fork: Cannot allocate memory'; exit 1"
    failure = bad.failure(bad.source("wolf", build=said))
    assert isinstance(failure.error, koji.BuildError)
    assert attempts(bad, failure.task.id) == 1
    assert bad.testbed.session.getHost(HOST)["ready"]
    bad.still_builds()


def attempts(bad: Bad, task: int) -> int:
    """How often the daemon has begun a task."""
    return sum(event.task == task and event.name == Phase.BUILDROOT_RECORD for event in bad.testbed.journal())


def test_packages_that_conflict(bad: Bad) -> None:
    failure = bad.failure(bad.source("conflicting", "bad-conflicts", "bad-conflicted"))
    assert {"bad-conflicts", "bad-conflicted"} <= set(re.findall(r"bad-\w+", failure.message))
    assert "bad-conflicted" in failure.log("root.log")
    bad.still_builds()


def test_a_package_with_a_file_of_another(bad: Bad) -> None:
    failure = bad.failure(bad.source("wants-file", "bad-file"))
    assert re.search(r"/usr/bin/bash.*bad-file.*conflicts", failure.message)
    bad.still_builds()


def test_a_package_that_replaces_the_shell(bad: Bad) -> None:
    """No build but those with it ever sees that shell: the image of its dependencies is for nobody else."""
    for _ in range(2):
        failure = bad.failure(bad.source("other-shell", "bad-sh"))
        assert isinstance(failure.error, koji.BuildError)
        assert "build.log" in failure.message
        assert "/bin/sh" in failure.log("build.log")
    bad.still_builds()


def test_ten_thousand_requirements(bad: Bad) -> None:
    requires = [f"bad-many({number})" for number in range(1, 10_001)]
    task = bad.still_builds(*requires)
    assert "bad-many" in (bad.testbed.output(task) / "installed_pkgs.log").read_text()


def test_ten_thousand_requirements_that_nobody_meets(bad: Bad) -> None:
    failure = bad.failure(bad.source("wishes", *(f"bad-no-such({number})" for number in range(10_000))))
    assert "bad-no-such(0)" in failure.message
    assert len(failure.message) < 3000
    assert "root.log" in failure.message


def test_dynamic_requirements_without_end(bad: Bad) -> None:
    failure = bad.failure(bad.source("endless", build=f"true\n{ROUNDS}"))
    assert isinstance(failure.error, koji.BuildError)
    assert "10" in failure.message
    bad.still_builds()


def test_dynamic_requirements_that_nobody_meets(bad: Bad) -> None:
    failure = bad.failure(bad.source("wishing", build=f"true\n{WISH}"))
    assert "bad-not-there" in failure.message
    assert "bad-not-there" in failure.log("root.log")
