"""doctor on a host where all is well: it finds nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from koji_adjutant.cli.commands import main
from koji_adjutant.cli.doctor.table import CHECKS
from koji_adjutant.testbed.content import HOST
from tests.integration.cli.doctor.faults import Ground
from tests.integration.running import OPTIONS, Testbed

EXPLAINED = {"mail.server": "a testbed has no mail server, and a hub that sends no mail"}
"""The warnings of a testbed on which all is well."""


def doctor(testbed: Testbed, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("koji-adjutant")
    argv = [str(program), "doctor", "-c", str(testbed.layout.kojid_conf), *arguments]
    return subprocess.run(argv, env={**os.environ, **OPTIONS}, capture_output=True, text=True, check=False)


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


def test_the_list_needs_no_host(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [one.id for one in CHECKS]
