"""Bound containers: they go with a process that is no task, a shell or a trial of the engine.

A shell removes its own container (koji_adjutant.container.podman.terminal). What a killed shell leaves is found by the
container's label: the process that it names is gone, or the container is older than a day. A process of another pid
namespace cannot be looked for.
"""

from collections.abc import Mapping

from koji_adjutant.container import labels
from koji_adjutant.host.files import DAY, JUMP, boot_id
from koji_adjutant.host.processes import pid_namespace, start_time

LONGEST_SECONDS = DAY
_WORDS = 4


def process_label(pid: int) -> str:
    """The value of label PROCESS for the running process `pid`: a name that no other process has."""
    return f"{pid} {start_time(pid)} {boot_id()} {pid_namespace()}"


def is_bound(found: Mapping[str, str]) -> bool:
    """Whether the labels `found` are those of a container that is bound to a process."""
    return found.get(labels.ROLE) == labels.Role.SHELL or labels.PROCESS in found


def is_over(found: Mapping[str, str], created: float, now: float) -> bool:
    """Whether the process to which the container with the labels `found` is bound has ended.

    `created` is when the container was made, `now` the time of day.
    """
    return now - created > LONGEST_SECONDS + JUMP or not _lives(found.get(labels.PROCESS, ""))


def _lives(name: str) -> bool:
    words = name.split()
    if len(words) != _WORDS or not words[0].isdigit():
        return False
    pid, started, boot, namespace = words
    if boot == boot_id() and namespace != pid_namespace():
        return True
    return boot == boot_id() and str(start_time(int(pid))) == started
