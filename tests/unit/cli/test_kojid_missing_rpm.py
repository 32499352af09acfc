"""A host without the distribution's bindings of rpm."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_rpm_that_is_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "rpm.py").write_text("raise ModuleNotFoundError(\"No module named 'rpm'\")\n")
    done = subprocess.run(
        [sys.executable, "-c", "from koji_adjutant.cli.kojid import kojid"],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "install the package python3-rpm" in done.stderr
    assert len(done.stderr.splitlines()) == 1
