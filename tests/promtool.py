"""promtool, Prometheus' own judge of metrics and alerts; .ci/setup-debian unpacks it."""

import os
import subprocess
from pathlib import Path

from koji_adjutant.testbed.description import cache_directory


def promtool(*arguments: str | Path, given: str = "") -> str:
    """What it says; an AssertionError with that when it is not content."""
    program = cache_directory(os.environ, Path.home()) / "prometheus" / "promtool"
    assert program.is_file(), f"{program} is missing: .ci/setup-debian unpacks it"
    done = subprocess.run(
        [program, *arguments], input=given, capture_output=True, text=True, check=False, timeout=120
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said
