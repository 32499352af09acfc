"""A second testbed, up and down beside the one that runs: neither sees the other."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from koji_adjutant.testbed import services
from koji_adjutant.testbed.builder import DAEMON
from koji_adjutant.testbed.client import koji_command
from koji_adjutant.testbed.description import read_description
from koji_adjutant.testbed.engine.service import Engine
from koji_adjutant.testbed.hub_process import HUB
from koji_adjutant.testbed.layout import Layout, layout_at
from tests.integration.running import Testbed

pytestmark = pytest.mark.podman


def command_output(layout: Layout, *arguments: str) -> str:
    argv = [sys.executable, "-m", "koji_adjutant.testbed", *arguments, f"--dir={layout.directory}"]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def second() -> Iterator[Layout]:
    layout = layout_at(Path(tempfile.mkdtemp(prefix="koji-adjutant-second-")))
    try:
        yield layout
    finally:
        command_output(layout, "down")
        Engine(layout.engine).destroy()
        shutil.rmtree(layout.directory)


def running(layout: Layout) -> dict[str, services.Service | None]:
    return {name: services.recorded(layout.record(name)) for name in (HUB, DAEMON)}


def test_two_do_not_meet(testbed: Testbed, second: Layout) -> None:
    before = running(testbed.layout)
    command_output(second, "up", "--detach")
    description, first = read_description(second), testbed.description
    assert description.server != first.server
    assert description.topurl.split(":")[1] != first.topurl.split(":")[1]
    assert all(running(second).values())
    tags = subprocess.run(koji_command(second, "list-hosts"), check=True, capture_output=True, text=True)
    assert "builder" in tags.stdout
    assert "runs, pid" in command_output(second, "status")
    assert command_output(second, "down").splitlines()[-3:] == [
        "kojid stopped",
        "hub stopped",
        "engine stopped",
    ]
    assert not any(running(second).values())
    assert command_output(second, "down") == ""
    assert running(testbed.layout) == before
    assert all(before.values())
    assert testbed.build(testbed.srpm("hello"), "--scratch").returncode == 0
