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
from tests.integration.running import Testbed
from tests.unit.conftest import hub

__all__ = ["hub", "testbed"]

IMAGE_SECONDS = 120.0


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
        yield Testbed(place=place, description=description, engine=engine, session=session)
        session.logout()
        session.rsession.close()
    finally:
        command(place, "down")
        engine.destroy()
        shutil.rmtree(place.directory)


@pytest.fixture(autouse=True)
def _nothing_left_in_the_testbed(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "testbed" not in request.fixturenames:
        return
    running: Testbed = request.getfixturevalue("testbed")
    deadline = time.monotonic() + IMAGE_SECONDS
    while any(pending_requests(running.config)) and time.monotonic() < deadline:
        time.sleep(census.STEP)
    left = census.leftovers(running.engine)
    assert not left, "left behind:\n" + "\n".join(left)
    work = [str(path) for path in (running.place.builder / "work" / "tasks").glob("*/*")]
    assert not work, f"work directories left behind: {work}"
