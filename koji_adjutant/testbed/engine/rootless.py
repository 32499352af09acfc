"""An engine of a user who is not root.

podman gives it a user namespace, with the ids that /etc/subuid and /etc/subgid have for the user, and a mount
namespace. A process of podman's keeps both, from the first command to `end_namespaces`; its pid stands in the engine's
temporary directory. What belongs to other ids than the user's can be removed only in there. A user makes no bridge on
the host: containers that have a network have the host's, and see its loopback.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from koji_adjutant.testbed.engine.processes import PROC, Process, process

NETWORK = "host"
LOOPBACK = "127.0.0.1"
RUNTIME_DIRECTORY = "XDG_RUNTIME_DIR"
KEEPER = "pause.pid"


def is_rootless() -> bool:
    """Whether an engine that this process starts is one."""
    return os.geteuid() != 0


def keeper(record: Path) -> Process | None:
    """The process that keeps the namespaces of an engine; None where there is none."""
    with suppress(OSError, ValueError):
        found = process(int(record.read_text()))
        # After a boot the number may be anybody's.
        if found and user_namespace(found.pid) != user_namespace("self"):
            return found
    return None


def user_namespace(pid: int | str) -> Path:
    """What tells the user namespace of a process from others. OSError where it may not be known."""
    return (PROC / str(pid) / "ns" / "user").readlink()


def end_namespaces(record: Path, patience: float) -> None:
    """End them, and with them every mount of the engine's."""
    if found := keeper(record):
        found.end(patience)
    record.unlink(missing_ok=True)


def serving(pid: int) -> int:
    """The process that answers: where podman has to make namespaces first, a child of the one that was started."""
    if not is_rootless():
        return pid
    children: list[str] = []
    # A child is of the thread that has forked it, and threads end.
    for file in (PROC / str(pid) / "task").glob("*/children"):
        with suppress(OSError):
            children += file.read_text().split()
    return int(children[0]) if children else pid


def inside(argv: Sequence[str]) -> list[str]:
    """A command line that runs `argv` as root of the engine's user namespace, where this process is not root."""
    return ["podman", "unshare", *argv] if is_rootless() else list(argv)


def remove_tree(directory: Path, environment: Mapping[str, str]) -> None:
    """Remove what an engine of that environment has made at `directory`, whoever of its ids it belongs to."""
    if not is_rootless():
        shutil.rmtree(directory)
        return
    # All but what podman has mounted there, which is empty then and nobody else's.
    argv = inside(["rm", "-rf", "--", str(directory)])
    subprocess.run(argv, env=dict(environment), cwd="/", capture_output=True, check=False)
    if directory.exists():
        shutil.rmtree(directory)
