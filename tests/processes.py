"""What tests look at in processes: whether one runs, and what this one has open."""

from pathlib import Path


def is_alive(pid: int) -> bool:
    """Whether a process runs, and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def open_descriptors() -> set[str]:
    """Those of this process."""
    return {path.name for path in Path("/proc/self/fd").iterdir()}
