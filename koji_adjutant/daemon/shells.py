"""Containers that go with a process: one that somebody types into, or a trial of the engine; and when they are over.

A shell removes its own container (koji_adjutant.container.terminal). What a killed one leaves is found by its label:
the process is gone, or it is older than a day. A process of another pid namespace cannot be looked for.
"""

from collections.abc import Mapping
from pathlib import Path

from koji_adjutant.clock import JUMP
from koji_adjutant.container import labels
from koji_adjutant.daemon.state import boot_id, start_time

LONGEST_SECONDS = 86400.0
_WORDS = 4


def process_label(pid: int) -> str:
    """A name for a running process that no other process has."""
    return f"{pid} {start_time(pid)} {boot_id()} {_namespace()}"


def is_shell(found: Mapping[str, str]) -> bool:
    """Whether labels are those of a container that goes with a process."""
    return found.get(labels.ROLE) == labels.Role.SHELL or labels.PROCESS in found


def is_over(found: Mapping[str, str], created: float, now: float) -> bool:
    """Whether nobody sits at the shell whose container has these labels."""
    return now - created > LONGEST_SECONDS + JUMP or not _lives(found.get(labels.PROCESS, ""))


def _lives(name: str) -> bool:
    words = name.split()
    if len(words) != _WORDS or not words[0].isdigit():
        return False
    pid, started, boot, namespace = words
    if boot == boot_id() and namespace != _namespace():
        return True
    return boot == boot_id() and str(start_time(int(pid))) == started


def _namespace() -> str:
    return str(Path("/proc/self/ns/pid").readlink())
