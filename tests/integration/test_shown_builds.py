"""What is shown of builds: facts, logs that grow and stay, the engine's containers and images."""

from pathlib import Path

import pytest

from koji_adjutant.journal.public import (
    Images,
    TaskFacts,
    logs_directory,
    public_directory,
    read_facts,
    task_facts_file,
)
from koji_adjutant.testbed.content import TARGET
from tests.integration.running import Testbed
from tests.waiting import eventually

pytestmark = pytest.mark.podman


def facts(testbed: Testbed, task: int) -> TaskFacts:
    found = read_facts(TaskFacts, task_facts_file(testbed.layout.state_dir, task))
    assert found is not None
    return found


def test_a_build_is_shown_with_its_logs(testbed: Testbed) -> None:
    build = testbed.build(testbed.srpm("hello"), "--scratch")
    assert build.returncode == 0, build.output
    top, arch = build.tasks[0], build.task("buildArch")
    shown = facts(testbed, arch.id)
    assert (shown.package, shown.arch, shown.parent) == ("hello", testbed.description.arch, top.id)
    assert shown.label.startswith("hello-1.0-1.md1.src.rpm, ")
    assert shown.owner
    assert shown.tag
    assert shown.created is not None
    assert facts(testbed, top.id).tag == TARGET
    uploaded, kept = testbed.output(arch), logs_directory(testbed.layout.state_dir, arch.id)
    assert {"build.log", "root.log"} <= set(shown.logs)
    for name in shown.logs:
        if (uploaded / name).exists():
            assert (kept / name).read_bytes() == (uploaded / name).read_bytes()
    assert not Path(testbed.config.workdir, "tasks").joinpath(str(arch.id % 10000), str(arch.id)).exists()


def test_images_are_shown_when_they_are_made(testbed: Testbed) -> None:
    file = public_directory(testbed.layout.state_dir) / "images.json"

    def shown() -> bool:
        found = read_facts(Images, file)
        return found is not None and any(one.kind == "base" and one.bytes > 0 for one in found.images)

    build = testbed.build(testbed.srpm("hello"), "--scratch")
    assert build.returncode == 0, build.output
    eventually(shown, "an image is shown", seconds=120)
