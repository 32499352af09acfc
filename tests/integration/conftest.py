"""The testbed of the integration tests: brought up once, taken down and removed at the end."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from koji_adjutant.testbed.client import admin_session
from koji_adjutant.testbed.engine import Engine
from koji_adjutant.testbed.place import place_at
from koji_adjutant.testbed.stand import Options, bring_down, bring_up
from tests.integration.running import Testbed


@pytest.fixture(scope="session")
def testbed() -> Iterator[Testbed]:
    """Engine, hub and daemon of this run's own."""
    place = place_at(Path(tempfile.mkdtemp(prefix="koji-adjutant-test-")))
    engine = Engine(place.directory)
    try:
        description = bring_up(place, Options(), print)
        session = admin_session(place, description.server)
        yield Testbed(place=place, description=description, engine=engine, session=session)
        session.logout()
    finally:
        bring_down(place, print)
        engine.destroy()
        shutil.rmtree(place.directory)
