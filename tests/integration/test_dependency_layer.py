"""BuildRequires on real containers: found as mock finds them, installed once, and images that are not what they say."""

from collections import Counter
from pathlib import Path

import koji
import pytest

from koji_adjutant.buildroot.images.keys import image_name
from koji_adjutant.buildroot.images.requests import pending_requests
from koji_adjutant.container import labels
from koji_adjutant.journal.phases import Phase
from koji_adjutant.testbed.tasks import Task
from tests.integration.packages import source_package
from tests.integration.running import Build, Testbed
from tests.waiting import eventually

pytestmark = pytest.mark.podman

IMAGE_SECONDS = 120.0
GROWING = """\
BuildRequires: flex
%if %(test -e /usr/bin/flex && echo 1 || echo 0)
BuildRequires: bison
%endif
"""


def wait_for_images(testbed: Testbed) -> None:
    eventually(lambda: not any(pending_requests(testbed.config)), "images are made", seconds=IMAGE_SECONDS)


def arch_task(testbed: Testbed, build: Build) -> Task:
    assert build.returncode == 0, build.output
    return build.task("buildArch")


def roles(testbed: Testbed, task: Task) -> Counter[str]:
    """What containers the task had."""
    created = (event for event in testbed.journal() if event.name == Phase.CONTAINER_CREATED)
    return Counter(event.details["role"] for event in created if event.task == task.id)


def reported(testbed: Testbed, task: Task) -> list[tuple[str, bool]]:
    """What the hub has as the task's buildroot: packages, and whether each came later than the base."""
    (buildroot,) = testbed.session.listBuildroots(taskID=task.id)
    assert buildroot["state"] == koji.BR_STATES["EXPIRED"]
    rows = testbed.session.listRPMs(componentBuildrootID=buildroot["id"])
    return sorted((row["nvr"], bool(row["is_update"])) for row in rows)


def sources_made(testbed: Testbed, task: Task) -> int:
    """How often a source package was made of the spec file."""
    return (testbed.output(task) / "state.log").read_text().count("Start: rpmbuild-bs")


def test_a_set_of_build_requirements_is_installed_once(testbed: Testbed) -> None:
    first = arch_task(testbed, testbed.build(testbed.srpm("needsdeps"), "--scratch"))
    wait_for_images(testbed)
    second = arch_task(testbed, testbed.build(testbed.srpm("needsdeps"), "--scratch"))
    assert roles(testbed, second) == {"build": 2}
    assert reported(testbed, second) == reported(testbed, first)
    assert any(name.startswith("zlib-devel-") for name, is_late in reported(testbed, second) if is_late)
    assert sources_made(testbed, second) == 2


def test_a_spec_file_may_ask_for_more_once_it_has_something(testbed: Testbed, tmp_path: Path) -> None:
    srpm = source_package(tmp_path, "growing", head=GROWING, build="flex --version && bison --version")
    task = arch_task(testbed, testbed.build(srpm, "--scratch"))
    late = {name.rsplit("-", 2)[0] for name, is_late in reported(testbed, task) if is_late}
    assert {"flex", "bison"} <= late
    assert sources_made(testbed, task) == 3


def test_very_many_build_requirements(testbed: Testbed, tmp_path: Path) -> None:
    head = "\n".join(f"BuildRequires: zlib-devel >= 0.{number}" for number in range(10_000))
    task = arch_task(testbed, testbed.build(source_package(tmp_path, "many", head=head), "--scratch"))
    assert any(name.startswith("zlib-devel-") for name, is_late in reported(testbed, task) if is_late)


def test_an_image_that_is_not_what_its_name_says_is_thrown_away(testbed: Testbed) -> None:
    good = arch_task(testbed, testbed.build(testbed.srpm("hello"), "--scratch"))
    wait_for_images(testbed)
    key = used_key(testbed, testbed.build(testbed.srpm("hello"), "--scratch"))
    podman, name = testbed.engine.podman, image_name(key)
    remove = "rpm -e --nodeps --noscripts --notriggers patch"
    container = podman("create", "--user=0:0", name, "/bin/bash", "-c", remove).strip()
    podman("start", "--attach", container)
    podman("commit", "--quiet", container, name)
    podman("rm", container)
    task = arch_task(testbed, testbed.build(testbed.srpm("hello"), "--scratch"))
    assert roles(testbed, task)["installer"] == 1
    assert reported(testbed, task) == reported(testbed, good)
    wait_for_images(testbed)
    again = testbed.build(testbed.srpm("hello"), "--scratch")
    assert used_key(testbed, again) == key
    assert roles(testbed, again.task("buildArch")) == {"build": 1}


def used_key(testbed: Testbed, build: Build) -> str:
    """The key of the image that the build's root came from."""
    task = arch_task(testbed, build)
    (key,) = (
        event.details["key"]
        for event in testbed.journal()
        if event.task == task.id and event.name == Phase.IMAGE_READY and "key" in event.details
    )
    found = testbed.engine.podman(
        "image", "inspect", "--format", f'{{{{index .Labels "{labels.KEY}"}}}}', image_name(key)
    )
    assert found.strip() == key
    return str(key)
