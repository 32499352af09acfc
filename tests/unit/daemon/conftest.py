"""The daemon as an object in the test's process, with a hub of the test's own and without an engine; its state."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from koji_adjutant.cli.kojid import assemble
from koji_adjutant.daemon import Daemon
from koji_adjutant.daemon.tasks.state import StateDirectory
from koji_adjutant.hub.session import login, open_session
from tests.hubs import Hub


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateDirectory]:
    """Locked, as a main process has it."""
    made = StateDirectory(tmp_path / "state")
    made.lock()
    yield made
    made.unlock()


@pytest.fixture
def daemon(hub: Hub) -> Iterator[Daemon]:
    """Logged in, and ready; its passes are the test's to make."""
    config = hub.config(sleeptime=1.0, minspace=1, max_load_per_cpu=1000.0, cache_dir=hub.directory / "cache")
    for directory in (config.cache_dir, Path(config.workdir)):
        directory.mkdir()
    state = StateDirectory(config.state_dir)
    session = open_session(config)
    with ExitStack() as stack:
        state.lock()
        stack.callback(state.unlock)
        login(session, config)
        made = assemble(stack, config, session, state)
        stack.callback(made.leave_running)
        yield made
