"""Outages of what a build host stands on: its engine, its disks, its clock. All is as before at the end."""

from pathlib import Path

import pytest

from tests.integration.packages import source_package
from tests.integration.restart.conftest import host
from tests.integration.restart.running_builds import BUILD
from tests.integration.running import Testbed

__all__ = ["host"]


def on_the_hub(testbed: Testbed, srpm: Path) -> str:
    """A source package where tasks find it. Not by the library's wrapper, which leaves its file open."""
    testbed.session._callMethod(
        "rawUpload", (srpm.read_bytes(), 0, "cli-build/outages", srpm.name), {"overwrite": True}
    )
    return f"cli-build/outages/{srpm.name}"


@pytest.fixture(scope="package")
def patient(testbed: Testbed, tmp_path_factory: pytest.TempPathFactory) -> str:
    """On the hub, a source package whose build writes a line every tenth of a second until it is let go."""
    return on_the_hub(testbed, source_package(tmp_path_factory.mktemp("sources"), "patient", build=BUILD))
