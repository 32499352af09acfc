"""doctor on a host where all is well, and beside a daemon at work: it finds nothing, and nobody notices it."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.cli import main
from koji_adjutant.cli.doctor.table import CHECKS
from koji_adjutant.testbed.content import HOST
from tests.integration.cli.doctor.faults import Ground
from tests.integration.running import Testbed

EXPLAINED = {"mail.server": "a testbed has no mail server, and a hub that sends no mail"}
"""The warnings of a testbed on which all is well."""
ROUNDS = 2
UNTOUCHED = ("main", "worker", "lock", "session")
"""Files of the state directory that only a start of the daemon changes."""


def doctor(testbed: Testbed, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("koji-adjutant")
    argv = [str(program), "doctor", "-c", str(testbed.layout.kojid_conf), *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def test_a_host_on_which_all_is_well(testbed: Testbed) -> None:
    done = doctor(testbed)
    said = {words[1]: line for line in done.stdout.splitlines() if len(words := line.split()) > 1}
    bad = {check.id: said.get(check.id, "nothing") for check in CHECKS if not said[check.id].startswith("ok")}
    assert set(bad) <= set(EXPLAINED), "\n".join(bad.values())
    assert (done.returncode, done.stderr) == (0, "")


def test_the_exit_code_is_of_failures_alone(ground: Ground) -> None:
    argv = ["doctor", "--config", str(ground.conf)]
    assert main([*argv, "mail.server"]) == 0
    ground.testbed.session.disableHost(HOST)
    try:
        assert main([*argv, "host.enabled"]) == 1
    finally:
        ground.testbed.session.enableHost(HOST)
    assert main([*argv, "no.such-check"]) == 2


def sessions(testbed: Testbed) -> list[dict[str, Any]]:
    """The sessions of the host that live, but for those of its tasks."""
    found = testbed.session.getSessionInfo(details=True, user_id=HOST)
    return [one for one in found if one["master"] is None]


def test_a_build_goes_on_beside_it(ground: Ground) -> None:
    testbed = ground.testbed
    files = {name: testbed.layout.state_dir / name for name in UNTOUCHED}
    before = {name: file.stat().st_mtime_ns for name, file in files.items()}
    (own,) = sessions(testbed)
    rounds = 0
    with ThreadPoolExecutor(1) as pool:
        build = pool.submit(testbed.build, testbed.srpm("hello"), "--scratch")
        while not rounds or (rounds < ROUNDS and not build.done()):
            found = ground.examine()
            rounds += 1
            bad = {name: one["text"] for name, one in found.items() if one["status"] == "failure"}
            assert not bad
    assert build.result().returncode == 0, build.result().output
    (after,) = sessions(testbed)
    assert (after["id"], after["exclusive"]) == (own["id"], own["exclusive"])
    assert after["exclusive"]
    assert {name: file.stat().st_mtime_ns for name, file in files.items()} == before


def test_the_list_needs_no_host(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [one.id for one in CHECKS]
