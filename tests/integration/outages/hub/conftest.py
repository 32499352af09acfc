"""The testbed's daemon behind a proxy, and packages that build for as long as a test wants."""

from collections.abc import Iterator

import pytest

from tests.faults.hub_proxy import HubProxy, behind
from tests.integration.packages import source_package
from tests.integration.restart.running_builds import BUILD, Host
from tests.integration.running import Testbed


@pytest.fixture(scope="package")
def proxy(testbed: Testbed) -> Iterator[HubProxy]:
    """Between the daemon and its hub. Tests, clients and files go past it."""
    with (
        HubProxy(testbed.description.server) as made,
        behind(testbed.layout, testbed.session, made),
    ):
        yield made


@pytest.fixture
def host(testbed: Testbed, proxy: HubProxy) -> Iterator[Host]:
    """The build host, without tasks before and after."""
    made = Host(testbed=testbed)
    yield made
    for state in made.state.tasks():
        testbed.session.cancelTask(state.task)


@pytest.fixture(scope="package")
def patient(testbed: Testbed, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A source package on the hub, whose build writes a line every tenth of a second until it is let go."""
    made = source_package(tmp_path_factory.mktemp("sources"), "patient", build=BUILD)
    # Not by the library's wrapper, which leaves its file open.
    arguments = (made.read_bytes(), 0, "cli-build/outages", made.name)
    testbed.session._callMethod("rawUpload", arguments, {"overwrite": True})
    return f"cli-build/outages/{made.name}"
