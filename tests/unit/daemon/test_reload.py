"""The check before a reload: whether the program would start."""

import os
from pathlib import Path

import pytest

from koji_adjutant.daemon.reload import StartCheck
from tests.waiting import eventually


def test_a_check_that_does_not_end(tmp_path: Path) -> None:
    check = StartCheck.begin(["sh", "-c", "sleep 600"], tmp_path, seconds=0.2)
    pid = check._process.pid
    verdict = eventually(check.verdict, "a verdict")
    assert verdict
    assert "has not ended" in str(verdict.problem)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_check_that_cannot_begin(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        StartCheck.begin([str(tmp_path / "python")], tmp_path)
