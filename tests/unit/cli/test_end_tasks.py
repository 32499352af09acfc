"""What systemd is about to do with a service whose daemon has died."""

import os
from pathlib import Path

import pytest

from koji_adjutant.cli.end_tasks import is_being_stopped
from tests.fakes.systemctl import STOP, UNIT, write_systemctl


@pytest.mark.parametrize(
    ("jobs", "is_stop"),
    [
        (STOP, True),
        (f"1 other.service start running\n{STOP}", True),
        ("", False),
        (f"4711 {UNIT} restart running\n", False),
        (f"4711 {UNIT} start waiting\n", False),
        ("4711 other.service stop running\n", False),
    ],
)
def test_what_systemd_is_about_to_do(
    jobs: str, is_stop: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    write_systemctl(tmp_path, jobs)
    assert is_being_stopped(UNIT) == is_stop
