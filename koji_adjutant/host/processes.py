"""What tells one process from every other, before and after: a pid is given again, its start in this boot is not."""

from pathlib import Path

_DEAD = frozenset("ZX")
_START_TIME_FIELD = 19
"""Of /proc/<pid>/stat, counted behind the command name."""


def start_time(pid: int) -> int | None:
    """When a process started, in clock ticks since the boot; None when there is none, or it is dead."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in _DEAD else int(fields[_START_TIME_FIELD])


def pid_namespace() -> str:
    """The name of this process' pid namespace, in which its pid means this process."""
    return str(Path("/proc/self/ns/pid").readlink())
