"""Eight builds at a time: the hub hears of the host all the while, and every one of them gets its turn."""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from koji_adjutant.testbed import services
from koji_adjutant.testbed.builder import DAEMON
from koji_adjutant.testbed.content import HOST, TARGET
from koji_adjutant.testbed.tasks import ENDED, family, task_of
from tests.integration.packages import source_package
from tests.integration.running import Testbed
from tests.pace import slowness
from tests.waiting import eventually

pytestmark = [pytest.mark.podman, pytest.mark.timing]

BUILDS = 8
CAPACITY = 40.0
MAXJOBS = 30
HEARTBEAT_SECONDS = 30.0
PATIENCE = 180.0
MAIN_PROCESS_KB = 70 * 1024
SCRIPT = (
    "for number in 1 2 3; do sleep 1; echo $number; done; echo 'int main(void) { return 0; }' >a.c; cc a.c"
)


@pytest.fixture
def roomy(testbed: Testbed) -> Iterator[Testbed]:
    """A host that takes all of them at once."""
    admin, file = testbed.session, testbed.layout.kojid_conf
    before, capacity = file.read_text(), admin.getHost(HOST)["capacity"]
    admin.editHost(HOST, capacity=CAPACITY)
    try:
        file.write_text("".join(changed(line) for line in before.splitlines(keepends=True)))
        reload(testbed)
        yield testbed
    finally:
        file.write_text(before)
        admin.editHost(HOST, capacity=capacity)
        reload(testbed)


def changed(line: str) -> str:
    return f"maxjobs = {MAXJOBS}\n" if line.startswith("maxjobs") else line


def reload(testbed: Testbed) -> None:
    log = testbed.layout.logs / f"{DAEMON}.stderr"
    starts = log.read_text(errors="replace").count("Starting up")
    os.kill(main_process(testbed), signal.SIGUSR1)
    eventually(
        lambda: log.read_text(errors="replace").count("Starting up") > starts,
        "the daemon comes back",
        seconds=PATIENCE,
    )


def main_process(testbed: Testbed) -> int:
    daemon = services.recorded(testbed.layout.record(DAEMON))
    assert daemon
    return daemon.pid


def test_builds(roomy: Testbed, tmp_path: Path, figures: list[str]) -> None:
    admin, began = roomy.session, time.monotonic()
    host, pid = admin.getHost(HOST)["id"], main_process(roomy)
    builds = []
    for number in range(BUILDS):
        srpm = source_package(tmp_path, f"load-{number}", head="BuildArch: noarch", build=SCRIPT)
        there = Path("cli-build", f"load-{number}", srpm.name)
        uploaded = roomy.topdir / "work" / there
        uploaded.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(srpm, uploaded)
        builds.append(admin.build(str(there), TARGET, {"scratch": True}))
    silence, at_a_time, resident = 0.0, 0, 0

    def have_ended() -> bool:
        nonlocal silence, at_a_time, resident
        silence = max(silence, time.time() - admin.getLastHostUpdate(host, ts=True))
        at_a_time = max(at_a_time, len(list((roomy.layout.state_dir / "tasks").glob("*.json"))))
        resident = max(resident, services.resident_kb(pid))
        return {task_of(admin, build).state for build in builds} <= ENDED

    eventually(have_ended, "all builds end", seconds=PATIENCE, step=0.2)
    figures.append(
        f"{BUILDS} builds: {time.monotonic() - began:.1f} s, {at_a_time} tasks at a time, "
        f"longest silence {silence:.1f} s, {resident} KB"
    )
    assert {task_of(admin, build).state for build in builds} == {"CLOSED"}
    assert silence <= HEARTBEAT_SECONDS * slowness()
    assert at_a_time >= BUILDS
    assert resident <= MAIN_PROCESS_KB
    tasks = [task.id for build in builds for task in family(admin, build)]
    refused = [one for task in tasks for one in admin.scheduler.getTaskRefusals([["task_id", task]])]
    assert refused == []
