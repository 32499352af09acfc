"""The testbed of the integration tests: brought up once, taken down and removed at the end.

Every test that builds leaves nothing in its engine; the containers of a buildroot image that is being made are the
daemon's own, and go by themselves.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from koji_adjutant.buildroot.images.requests import pending_requests
from koji_adjutant.testbed import census
from koji_adjutant.testbed.client import admin_session
from koji_adjutant.testbed.description import read_description
from koji_adjutant.testbed.engine.service import Engine
from koji_adjutant.testbed.layout import Layout, layout_at
from tests.conftest import LateProcesses, things_left
from tests.hubs import hub
from tests.integration.running import OPTIONS, Testbed
from tests.waiting import eventually

__all__ = ["hub", "testbed"]

IMAGE_SECONDS = 120.0
GOES_SECONDS = 30.0
"""A helper of the daemon may just have begun when a test ends: it takes over a mirror, and is done."""
LATE_SECONDS = 60.0
"""The daemon has containers of its own, that prepare buildroots: what runs in them is no monitor that is left."""
LATE = pytest.StashKey[LateProcesses]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LATE] = LateProcesses()


def command(layout: Layout, *arguments: str) -> None:
    """`koji-adjutant testbed`, for the testbed at `place`."""
    argv = [sys.executable, "-m", "koji_adjutant.testbed", *arguments, f"--dir={layout.directory}"]
    subprocess.run(argv, env={**os.environ, **OPTIONS}, check=True)


@contextmanager
def running_testbed(bring_up: Callable[[Layout], object]) -> Iterator[Testbed]:
    """Engine, hub and daemon, as `bring_up` starts them."""
    layout = layout_at(Path(tempfile.mkdtemp(prefix="koji-adjutant-test-")))
    engine = Engine(layout.engine)
    try:
        bring_up(layout)
        description = read_description(layout)
        session = admin_session(layout, description.server)
        running = Testbed(layout=layout, description=description, engine=engine, session=session)
        yield running
        session.logout()
        session.rsession.close()
        settle(running)
        left = census.leftovers(engine)
    finally:
        command(layout, "down")
        engine.destroy()
        shutil.rmtree(layout.directory)
    assert not left, "left at the end of the session:\n" + "\n".join(left)


@pytest.fixture(scope="session")
def testbed(request: pytest.FixtureRequest) -> Iterator[Testbed]:
    """Those of this run's own. Nothing here measures how long a task waits for its turn."""
    release = f"--release={request.config.getoption('--distribution')}"
    up = ("up", "--detach", "--run-interval=0", release)
    with running_testbed(lambda layout: command(layout, *up)) as running:
        yield running


@pytest.fixture(autouse=True)
def _nothing_left_in_the_testbed(request: pytest.FixtureRequest) -> Iterator[None]:
    if "testbed" not in request.fixturenames:
        yield
        return
    running: Testbed = request.getfixturevalue("testbed")
    before = frozenset(census.processes(running.engine))
    yield
    settle(running)
    left = things_left(running.engine, seconds=GOES_SECONDS)
    assert not left, "left behind:\n" + "\n".join(left)
    now_there = frozenset(census.processes(running.engine))
    late = request.config.stash[LATE].overdue(now_there, before, request.node.nodeid, after=LATE_SECONDS)
    assert not late, "left behind:\n" + "\n".join(late)
    work = running.work_directories()
    assert not work, f"work directories left behind: {work}"


def settle(running: Testbed) -> None:
    """Wait until no image is asked for."""
    with suppress(AssertionError):
        # Whatever is not done by then shows in what is left.
        eventually(
            lambda: not any(pending_requests(running.config)), "images are made", seconds=IMAGE_SECONDS
        )
