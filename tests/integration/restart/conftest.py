"""The build host of the testbed, and packages that build for as long as a test wants. At the end all is as before."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.packages import source_package
from tests.integration.restart.running_builds import BUILD, Host
from tests.integration.running import Testbed

LINES_SHOWN = 60


@pytest.fixture
def host(testbed: Testbed) -> Iterator[Host]:
    made = Host(testbed=testbed)
    yield made
    # Shown when the test has failed.
    sys.stderr.write("\n".join(made.log.splitlines()[-LINES_SHOWN:]))
    for state in made.state.tasks():
        testbed.session.cancelTask(state.task)
    if made.main() is None:
        made.start()


@pytest.fixture(scope="package")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source package whose build writes a line every tenth of a second until it is let go."""
    return source_package(tmp_path_factory.mktemp("sources"), "patient", build=BUILD)
