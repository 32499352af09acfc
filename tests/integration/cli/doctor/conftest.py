"""The ground in which faults are seeded."""

from pathlib import Path

import pytest

from tests.integration.cli.doctor.faults import Ground
from tests.integration.running import Testbed


@pytest.fixture
def ground(
    testbed: Testbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Ground:
    return Ground(testbed=testbed, directory=tmp_path, monkeypatch=monkeypatch, capsys=capsys)
