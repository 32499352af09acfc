"""The demo shows what the hub and the journal say of a build, on the testbed that runs already."""

import re

import pytest

from koji_adjutant.testbed.demo import demo
from koji_adjutant.testbed.demo.report import say_status
from tests.integration.running import Testbed

pytestmark = pytest.mark.podman

MILESTONES = (
    "task opened",
    "buildroot ready",
    "rpmbuild started",
    "first log line at the hub",
    "uploaded",
    "closed",
)


def test_the_demo_shows_a_build(testbed: Testbed, capsys: pytest.CaptureFixture[str]) -> None:
    demo.show(testbed.layout, testbed.description, testbed.session)
    shown = capsys.readouterr().out
    assert re.search(r"Buildroot \d+ of task \d+: 149 packages", shown)
    assert re.search(r"bytes  \S+/hello-1\.0-1\.md1\.x86_64\.rpm$", shown, re.MULTILINE)
    assert re.search(r"^Repo \d+ of dist-md-build has", shown, re.MULTILINE)
    arch = [line for line in shown.splitlines() if re.search(r" s  buildArch ", line)]
    assert [one for one in MILESTONES if not any(line.endswith(one) for line in arch)] == []
    seconds = [float(line.split()[0]) for line in arch]
    assert seconds == sorted(seconds)
    for what in (
        "main process, VmRSS",
        "task process, VmRSS",
        "buildArch, cold",
        "buildArch, warm",
        "build in all, warm",
        "createrepo",
    ):
        assert re.search(rf"^  {what} +[0-9.]*[1-9]", shown, re.MULTILINE), what


def test_status_says_how_to_reach_it(testbed: Testbed, capsys: pytest.CaptureFixture[str]) -> None:
    assert say_status(testbed.layout)
    shown = capsys.readouterr().out
    assert testbed.description.server in shown
    assert "export CONTAINERS_CONF=" in shown
    assert testbed.layout.administrator.read_text() not in shown
