"""A daemon of a test's own, with a hub of the test's own and the session's engine. It tells no secrets."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from koji_adjutant.testbed.engine import Engine
from tests.unit.conftest import PASSWORD, Hub
from tests.unit.daemon.kojid_process import Kojid


@pytest.fixture
def kojid(hub: Hub, engine: Engine, tmp_path: Path) -> Iterator[Kojid]:
    made = Kojid(hub=hub, directory=tmp_path, socket=engine.socket)
    yield made
    secrets = (PASSWORD, PASSWORD.encode().hex())
    for file in (made.log, made.state / "journal"):
        if file.exists():
            assert not [secret for secret in secrets if secret in file.read_text()], file
