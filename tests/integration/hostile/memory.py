"""How much memory a daemon's processes take while a task runs."""

import re
from pathlib import Path

from koji_adjutant.testbed.tasks import ENDED, task_of
from tests.integration.running import Testbed
from tests.waiting import eventually

STEP = 0.3
SECONDS = 600.0
_PEAK = re.compile(rb"^VmHWM:\s*(\d+) kB", re.MULTILINE)


def peak_memory(testbed: Testbed, number: int) -> int:
    """The most bytes that a process of the testbed's daemon had resident, until the task ended."""
    most = 0

    def has_ended() -> bool:
        nonlocal most
        most = max(most, *map(_peak, _processes(str(testbed.layout.kojid_conf))))
        return task_of(testbed.session, number).state in ENDED

    eventually(has_ended, f"task {number} ends", seconds=SECONDS, step=STEP)
    return most


def _processes(word: str) -> list[Path]:
    wanted = word.encode()
    return [path.parent for path in Path("/proc").glob("[0-9]*/cmdline") if wanted in _content(path)]


def _peak(process: Path) -> int:
    found = _PEAK.search(_content(process / "status"))
    return int(found[1]) << 10 if found else 0


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        # It ended meanwhile.
        return b""
