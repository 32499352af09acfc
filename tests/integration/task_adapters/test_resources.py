"""What builds take, as the journal and the hub are told of it: packages that take what the test knows."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import koji
import pytest

from koji_adjutant.journal.phases import HostEvent, Phase
from koji_adjutant.journal.use import Root
from koji_adjutant.task_adapters.resources import NAME, VERSION
from koji_adjutant.testbed.content import TAG
from tests.integration.configured import configured
from tests.integration.packages import source_package
from tests.integration.running import Build, Testbed

pytestmark = pytest.mark.podman

HOLDS, SPINS, WRITES = 200 << 20, 2.0, 30 << 20
TAKES = """\
head -c 210m /dev/zero | tail -c 200m >/dev/null
head -c 30m /dev/zero >zeros
while read -r _ _ _ _ _ _ _ _ _ _ _ _ _ used _ </proc/$$/stat; ((used < 200)); do :; done
"""
"""Memory in a pipe's last program, a file, and this shell's own time in hundredths of a second."""
FAILS = """\
echo 'checking for error: no'
echo 'main.c:3:7: error: expected expression'
printf 'line %s\\n' $(seq 30)
printf '\\033[31mred\\033[m <script>\\n'
exit 7
"""


@pytest.fixture(scope="module")
def evident(testbed: Testbed) -> Iterator[Testbed]:
    """A testbed whose host uploads evidence."""
    with configured(testbed, build_evidence="yes"):
        yield testbed


def events_of(testbed: Testbed, made: Build, name: str) -> list[dict[str, Any]]:
    task = made.task("buildArch").id
    return [dict(event.details) for event in testbed.journal() if event.task == task and event.name == name]


@pytest.fixture(scope="module")
def made(evident: Testbed, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """A build that takes what is known, and is imported."""
    evident.session.packageListAdd(TAG, "taking", "admin", force=True)
    srpm = source_package(tmp_path_factory.mktemp("taking"), "taking", head="BuildArch: noarch", build=TAKES)
    built = evident.build(srpm)
    assert built.returncode == 0, built.output
    return built


def test_the_hub_has_what_a_build_took(evident: Testbed, made: Build) -> None:
    task = made.task("buildArch")
    result = evident.session.getTaskResult(task.id)
    assert f"tasks/{task.id % 10000}/{task.id}/{NAME}" in result["logs"]
    build = evident.session.getBuild("taking-1-1")
    logs = Path(koji.PathInfo(str(evident.topdir)).build(build), "data", "logs", "noarch", NAME)
    content = json.loads(logs.read_text())
    assert (content["version"], content["task"], content["method"]) == (VERSION, task.id, "buildArch")
    total = content["total"]
    assert HOLDS <= total["memory_bytes"] < 8 * HOLDS
    assert SPINS <= total["cpu_seconds"] < 60
    assert WRITES <= total["disk_bytes"] < 4 * WRITES
    steps = {phase["name"]: phase for phase in content["phases"]}
    assert steps["build"]["memory_bytes"] >= HOLDS
    assert SPINS <= steps["build"]["cpu_seconds"] <= total["cpu_seconds"]
    assert steps["build"]["seconds"] >= SPINS
    assert steps["prep"]["cpu_seconds"] < SPINS


def test_the_journal_has_it_too(evident: Testbed, made: Build) -> None:
    usage = events_of(evident, made, HostEvent.USAGE)
    (whole,) = [one for one in usage if one["role"] == "build" and "phase" not in one]
    assert whole["memory_bytes"] >= HOLDS
    assert [one["phase"] for one in usage if "phase" in one][:3] == ["rpmbuild-bs", "rpmbuild-bb", "prep"]
    (ready,) = events_of(evident, made, Phase.BUILDROOT_READY)
    assert ready["root"] in {Root.HIT, Root.POPULATED}
    assert ready["packages"] > 100
    (opened,) = events_of(evident, made, Phase.OPENED)
    assert opened["label"] == "taking-1-1.src.rpm, noarch"
    # A build that takes longer than a minute says it more than once.
    asked = events_of(evident, made, HostEvent.REQUESTS)
    assert asked[-1]["hub"]["host.closeTask"][:2] == [1, 0]
    assert sum(one.get("engine", {}).get("container-create", [0])[0] for one in asked) >= 1
    assert sum(one.get("uploaded_bytes", 0) for one in asked) > 1000
    assert sum(one.get("log_uploaded_bytes", 0) for one in asked) > 1000
    assert not [one for one in asked if "other" in {*one.get("hub", {}), *one.get("engine", {})}]


def test_a_failure_says_why(evident: Testbed, tmp_path: Path) -> None:
    srpm = source_package(tmp_path, "sorry", head="BuildArch: noarch", build=FAILS)
    failed = evident.build(srpm, "--scratch")
    assert failed.returncode
    (said,) = events_of(evident, failed, Phase.FAILED)
    assert said["log"] == "build.log"
    assert said["first_error_line"] == "main.c:3:7: error: expected expression"
    assert len(said["last_lines"]) == 20
    assert "\x1b[31mred\x1b[m <script>" in said["last_lines"]
    assert said["last_lines"][-1].strip().startswith("Bad exit status from")
    task = failed.task("buildArch").id
    assert "first_error_line" not in evident.fault(task)
    assert NAME in evident.session.listTaskOutput(task)
