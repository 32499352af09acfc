"""What a control group of this machine has used, by the files that the kernel has for it: of cgroup v2, and of v1.

A group is there as long as somebody runs in it, and so are its figures. What a kernel does not count is left out, also
where it counts a part only: under v1 what is written later, from memory, is nobody's. Reading takes some ten system
calls and no other time.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

ROOT = Path("/sys/fs/cgroup")
BLOCK_DEVICES = Path("/sys/dev/block")
MEMORY, CPU, READ, WRITTEN, PIDS = "memory_bytes", "cpu_seconds", "read_bytes", "written_bytes", "pids"
PEAKS = frozenset({MEMORY, PIDS})
"""The others only grow."""
_V1 = ("memory", "cpuacct", "blkio", "pids")
_NANOSECONDS, _MICROSECONDS = 1e9, 1e6


@dataclass(kw_only=True)
class ControlGroup:
    """One group; `directories` by controller, all the same one under v2."""

    directories: Mapping[str, Path]
    is_v2: bool
    _peak: IO[str] | None = None
    """memory.peak of v2, open since the peak began anew: it does so for who reads from there."""

    @classmethod
    def find(cls, names: Iterable[str], root: Path = ROOT) -> Self | None:
        """The first group of these names; None when none is to be seen from here."""
        is_v2 = (root / "cgroup.controllers").exists()
        for name in names:
            directories = {one: root / name if is_v2 else root / one / name for one in _V1}
            if directories["memory"].is_dir():
                return cls(directories=directories, is_v2=is_v2)
        return None

    def figures(self) -> dict[str, float]:
        """Those that are to be had, since the group was made; none when it is gone."""
        readers = _READERS_V2 if self.is_v2 else _READERS_V1
        found: dict[str, float] = {}
        for controller, name, read in readers:
            with suppress(OSError, ValueError, IndexError):
                found |= read((self.directories[controller] / name).read_text())
        if self._peak is not None:
            with suppress(OSError, ValueError):
                self._peak.seek(0)
                found[MEMORY] = float(self._peak.read())
        return found

    def begin_peak(self) -> bool:
        """Have the peak of memory begin anew; False where the kernel does not let us, and it goes on."""
        path = self.directories["memory"] / ("memory.peak" if self.is_v2 else "memory.max_usage_in_bytes")
        self.close()
        try:
            handle = path.open("r+")
        except OSError:
            return False
        try:
            handle.write("0\n")
            handle.flush()
        except OSError:
            with suppress(OSError):
                handle.close()
            return False
        if self.is_v2:
            self._peak = handle
        else:
            handle.close()
        return True

    def first_pid(self) -> int | None:
        """A process of the group."""
        with suppress(OSError, ValueError, IndexError):
            return int((self.directories["memory"] / "cgroup.procs").read_text().split(maxsplit=1)[0])
        return None

    def close(self) -> None:
        """Close what is open; the group can be read as before."""
        if self._peak is not None:
            with suppress(OSError):
                self._peak.close()
            self._peak = None


def upper_directory(pid: int, proc: Path = Path("/proc")) -> Path | None:
    """Where what a process' root has of its own is on this machine; None when its root is no overlay of the kernel's,
    or is elsewhere."""
    with suppress(OSError):
        for line in (proc / str(pid) / "mountinfo").read_text().splitlines():
            mount, _, source = line.partition(" - ")
            if mount.split()[4] != "/" or not source.startswith("overlay "):
                continue
            for option in source.rpartition(" ")[2].split(","):
                name, _, value = option.partition("=")
                if name == "upperdir" and value.startswith("/") and Path(value).is_dir():
                    return Path(value)
    return None


def _one(name: str, unit: float = 1.0) -> Callable[[str], dict[str, float]]:
    return lambda text: {name: int(text) / unit if unit != 1.0 else int(text)}


def _cpu(text: str) -> dict[str, float]:
    known = dict(line.split() for line in text.splitlines())
    return {CPU: int(known["usage_usec"]) / _MICROSECONDS}


def _io(text: str) -> dict[str, float]:
    read = written = 0
    for line in text.splitlines():
        device, *pairs = line.split()
        if _is_stacked(device):
            continue
        known = dict(pair.split("=") for pair in pairs)
        read += int(known["rbytes"])
        written += int(known["wbytes"])
    return {READ: read, WRITTEN: written}


def _io_v1(text: str) -> dict[str, float]:
    rows = [line.split() for line in text.splitlines()]
    mine = [row for row in rows if len(row) == 3 and row[1] == "Read" and not _is_stacked(row[0])]  # noqa: PLR2004
    return {READ: sum(int(row[2]) for row in mine)}


def _is_stacked(device: str, devices: Path = BLOCK_DEVICES) -> bool:
    """Whether a device lies on others, which count the same bytes again."""
    with suppress(OSError):
        return any((devices / device / "slaves").iterdir())
    return False


_READERS_V2 = (
    ("memory", "memory.peak", _one(MEMORY)),
    ("cpuacct", "cpu.stat", _cpu),
    ("blkio", "io.stat", _io),
    ("pids", "pids.peak", _one(PIDS)),
)
_READERS_V1 = (
    ("memory", "memory.max_usage_in_bytes", _one(MEMORY)),
    ("cpuacct", "cpuacct.usage", _one(CPU, _NANOSECONDS)),
    ("blkio", "blkio.throttle.io_service_bytes", _io_v1),
    ("pids", "pids.peak", _one(PIDS)),
)
