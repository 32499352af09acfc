"""A time of day that can be set, for processes that are started with its environment; the machine keeps its own."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

HOUR = 3600
LIBRARIES = "*/faketime/libfaketimeMT.so.1"
SITECUSTOMIZE = """\
import select, time
time.sleep = lambda seconds: select.select([], [], [], seconds) and None
"""
"""libfaketime 0.9.10 refuses the call by which Python sleeps, unless it may fake durations too."""


@dataclass(frozen=True, kw_only=True)
class Clock:
    """What the daemon, its helpers and its tasks take for the time of day."""

    file: Path
    library: Path
    modules: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(self.library),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            # Seconds. Without, each call reads the file.
            "FAKETIME_CACHE_DURATION": "1",
            # A clock that is set is not that by which durations are measured.
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "PYTHONPATH": os.pathsep.join(filter(None, [str(self.modules), os.environ.get("PYTHONPATH")])),
            # Times of files are the kernel's, which keeps the right ones.
            "NO_FAKE_STAT": "1",
        }

    def set(self, seconds: int) -> None:
        new = self.file.with_suffix(".new")
        new.write_text(f"{seconds:+d}\n")
        new.rename(self.file)

    def reads(self) -> float:
        said = subprocess.run(
            ["python3", "-c", "import time; print(time.time())"],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=True,
        )
        return float(said.stdout)


def clock_below(directory: Path) -> Clock:
    """A clock below `directory`, which is right until it is set."""
    modules = directory / "modules"
    modules.mkdir()
    (modules / "sitecustomize.py").write_text(SITECUSTOMIZE)
    library = next(Path("/usr/lib").glob(LIBRARIES))
    made = Clock(file=directory / "clock", library=library, modules=modules)
    made.set(0)
    return made
