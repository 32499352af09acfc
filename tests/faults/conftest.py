"""Fixtures of the fault tests, and the patience that a fault run needs."""

import pytest

from tests.hubs import hub

__all__ = ["hub"]

BESIDE_SECONDS = 900
"""For the testbed to come up, the last tasks to end, and the census."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    seconds = 60 * config.getoption("--fault-minutes") + BESIDE_SECONDS
    for item in items:
        if "fault_minutes" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(seconds))


@pytest.fixture(scope="session")
def fault_minutes(request: pytest.FixtureRequest) -> float:
    """How long the fault run is to be."""
    return float(request.config.getoption("--fault-minutes"))


@pytest.fixture(scope="session")
def fault_seed(request: pytest.FixtureRequest) -> int:
    """What decides on its builds and its faults."""
    return int(request.config.getoption("--fault-seed"))
