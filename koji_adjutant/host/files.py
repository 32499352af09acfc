"""Files that outlive processes: each is there as a whole, or as it was before; and times that hold in them.

A process that is killed leaves the file that it was writing, under a name that says who it was. Whoever looks knows
by the writer, not by a clock, that nobody will finish it. Only of writers that cannot be looked for (another machine
or another container that shares the directory, an earlier boot) nothing is known but the age of the file.

Times of day may jump: somebody, or ntp, sets the clock of a machine that has been up for weeks. How long something
takes is measured with time.monotonic, which does not jump; between processes, and over suspends, by a `stamp`, which
holds in the boot that it was made in. Where a time of day is compared with another that a file or an engine has kept,
because it has to survive a boot, the difference may be wrong by a jump: what is removed by its age has to be older by
`JUMP` than the age at which nobody can be using it.
"""

import json
import os
import re
import tempfile
import time
import zlib
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from koji_adjutant.host.processes import pid_namespace, start_time

DAY = 86400.0
"""Seconds."""
JUMP = 7200.0
"""Seconds: twice an hour, by which clocks are set wrong."""
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
PARTIAL = ".new-"
"""How the name of a file begins that is being written, before its writer's name."""
ABANDONED_SECONDS = DAY + JUMP
"""Age of a partial file that nobody is writing any more: writing one takes milliseconds."""
_WRITER = re.compile(r"(?P<pid>[0-9]+)-(?P<started>[0-9]+)-(?P<where>[0-9a-f]{8})-.*")
_PID = re.compile(r"(?P<pid>[0-9]+)-[^-]*")
"""A writer's name as versions before the start time was in it have written it."""


# Times


def boot_id() -> str:
    """The name of this boot of the machine."""
    return _BOOT_ID.read_text().strip()


def since_boot() -> float:
    """Seconds since the machine booted, suspended ones included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def stamp(clock: Callable[[], float] = since_boot) -> dict[str, Any]:
    """This moment, as a JSON object for a file: boot id, and seconds since that boot."""
    return {"boot_id": boot_id(), "since_boot": clock()}


def age(stamped: Any, clock: Callable[[], float] = since_boot) -> float | None:
    """Seconds since `stamped`, which `stamp` has made; None for one of another boot, or for anything else."""
    try:
        seconds = clock() - float(stamped["since_boot"])
        return seconds if stamped["boot_id"] == boot_id() and seconds >= 0 else None
    except (KeyError, TypeError, ValueError):
        return None


# Files


def replace_json(path: Path, content: Any, *, mode: int = 0o600) -> None:
    """Write `content` as JSON to `path`, whole or not at all; the directory has to be there. OSError."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{PARTIAL}{_this_process()}-")
    new = Path(name)
    try:
        with os.fdopen(handle, "w") as file:
            json.dump(content, file)
            os.fchmod(handle, mode)
        new.rename(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def remove_partial(directory: Path) -> None:
    """Remove what processes were writing in `directory` when they died."""
    _remove_abandoned(directory.glob(f"{PARTIAL}*"))


def remove_partial_below(top: Path, *, but: Collection[str] = ()) -> None:
    """`remove_partial` in `top` and all directories below, except in those that have one of the names `but`."""
    for directory, below, names in os.walk(top):
        below[:] = [name for name in below if name not in but]
        _remove_abandoned(Path(directory, name) for name in names if name.startswith(PARTIAL))


def _remove_abandoned(found: Iterator[Path]) -> None:
    for file in found:
        if _is_abandoned(file):
            file.unlink(missing_ok=True)


def _is_abandoned(file: Path) -> bool:
    name = file.name.removeprefix(PARTIAL)
    if known := _WRITER.fullmatch(name):
        if known["where"] == _where():
            return start_time(int(known["pid"])) != int(known["started"])
        return _is_old(file)
    if known := _PID.fullmatch(name):
        return not Path("/proc", known["pid"]).is_dir() or _is_old(file)
    return True


def _is_old(file: Path) -> bool:
    try:
        return file.stat().st_mtime < time.time() - ABANDONED_SECONDS
    except FileNotFoundError:
        return False


def _this_process() -> str:
    pid = os.getpid()
    return f"{pid}-{start_time(pid) or 0}-{_where()}"


def _where() -> str:
    """A digest of this boot and this pid namespace, in which a pid names one process."""
    return f"{zlib.crc32(f'{boot_id()} {pid_namespace()}'.encode()):08x}"
