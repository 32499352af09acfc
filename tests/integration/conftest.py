"""The testbed of the integration tests: brought up once, taken down and removed at the end.

Every test that builds leaves nothing in its engine; the containers of a buildroot image that is being made are the
daemon's own, and go by themselves.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from koji_adjutant.buildroot.images import pending_requests
from koji_adjutant.testbed import census
from koji_adjutant.testbed.client import admin_session
from koji_adjutant.testbed.description import read_description
from koji_adjutant.testbed.engine import Engine
from koji_adjutant.testbed.place import Place, place_at
from tests.conftest import LateProcesses
from tests.integration.running import Testbed
from tests.unit.conftest import hub

__all__ = ["hub", "testbed"]

IMAGE_SECONDS = 120.0
LATE_SECONDS = 60.0
"""The daemon has containers of its own, that prepare buildroots: what runs in them is no monitor that is left."""
LATE = pytest.StashKey[LateProcesses]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LATE] = LateProcesses()


def command(place: Place, *arguments: str) -> None:
    """`koji-adjutant testbed`, for the testbed at `place`; images may be looked for in a registry."""
    argv = [sys.executable, "-m", "koji_adjutant.testbed", *arguments, f"--dir={place.directory}"]
    subprocess.run(argv, env={**os.environ, "KOJI_ADJUTANT_IMAGE_PULL_POLICY": "missing"}, check=True)


@pytest.fixture(scope="session")
def testbed() -> Iterator[Testbed]:
    """Engine, hub and daemon of this run's own."""
    place = place_at(Path(tempfile.mkdtemp(prefix="koji-adjutant-test-")))
    engine = Engine(place.engine)
    try:
        command(place, "up", "--detach")
        description = read_description(place)
        session = admin_session(place, description.server)
        running = Testbed(place=place, description=description, engine=engine, session=session)
        yield running
        session.logout()
        session.rsession.close()
        settle(running)
        left = census.leftovers(engine)
    finally:
        command(place, "down")
        engine.destroy()
        shutil.rmtree(place.directory)
    assert not left, "left at the end of the session:\n" + "\n".join(left)


@pytest.fixture(autouse=True)
def _nothing_left_in_the_testbed(request: pytest.FixtureRequest) -> Iterator[None]:
    if "testbed" not in request.fixturenames:
        yield
        return
    running: Testbed = request.getfixturevalue("testbed")
    before = frozenset(census.processes(running.engine))
    yield
    settle(running)
    left = things_left(running.engine)
    assert not left, "left behind:\n" + "\n".join(left)
    now_there = frozenset(census.processes(running.engine))
    late = request.config.stash[LATE].overdue(now_there, before, request.node.nodeid, after=LATE_SECONDS)
    assert not late, "left behind:\n" + "\n".join(late)
    work = [str(path) for path in (running.place.builder / "work" / "tasks").glob("*/*")]
    assert not work, f"work directories left behind: {work}"


def settle(running: Testbed) -> None:
    """Wait until no image is asked for."""
    deadline = time.monotonic() + IMAGE_SECONDS
    while any(pending_requests(running.config)) and time.monotonic() < deadline:
        time.sleep(census.STEP)


def things_left(engine: Engine) -> list[str]:
    """Containers, mounts and links that do not go. Monitors, which go later, are looked at after other tests."""
    deadline = time.monotonic() + census.WAIT
    while (left := sorted(census.things(engine))) and time.monotonic() < deadline:
        time.sleep(census.STEP)
    return left
