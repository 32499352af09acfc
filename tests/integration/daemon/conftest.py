"""A host whose daemon a test starts as a process, with a hub of the test's own and the session's engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from koji_adjutant.testbed.engine.service import Engine
from tests.hubs import PASSWORD, Hub
from tests.integration.daemon.kojid_process import Kojid


@pytest.fixture
def kojid(hub: Hub, engine: Engine, tmp_path: Path) -> Iterator[Kojid]:
    """It fails a test after which the log or the journal tells the host's password."""
    made = Kojid(hub=hub, directory=tmp_path, socket=engine.socket)
    yield made
    secrets = (PASSWORD, PASSWORD.encode().hex())
    for file in (made.log, made.state / "journal"):
        if file.exists():
            assert not [secret for secret in secrets if secret in file.read_text()], file
