"""The container that this process runs in, if it does, as far as it can be seen from the inside: a guess at its name.

Engines bind files of their own over some of a container's, and keep those below a directory that is called by the
container's id: the table of mounts shows it, whatever the host name is. Nothing here is cached, and nobody is asked.
"""

import re
import socket
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

MARKS = (Path("/run/.containerenv"), Path("/.dockerenv"))
"""Files that podman and docker make in every container."""
MOUNTS = Path("/proc/self/mountinfo")
CGROUPS = Path("/proc/self/cgroup")
HOSTNAME = Path("/proc/sys/kernel/hostname")
_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_SHORT_ID = re.compile(r"[0-9a-f]{12}")
_CREDENTIALS = struct.Struct("3i")
_ESCAPED = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A line of the table: what is mounted where, innermost last."""

    root: str
    """The directory or file of its file system that is shown."""
    point: str


def is_in_container() -> bool:
    """Whether an engine has made what this process sees as its root."""
    return any(mark.exists() for mark in MARKS)


def mounts(table: Path = MOUNTS) -> tuple[Mount, ...]:
    """The mounts of this process, in the order in which they were made."""
    fields = (line.split() for line in table.read_text().splitlines())
    return tuple(Mount(root=_plain(words[3]), point=_plain(words[4])) for words in fields)


def mount_point(path: PurePosixPath, known: Sequence[Mount]) -> str:
    """What is mounted at `path` or above it: the mount that a file there is on. The path has no links in it."""
    above = [mount.point for mount in known if path.is_relative_to(mount.point)]
    return max(above, key=len, default="/")


def possible_ids(table: Path = MOUNTS, cgroups: Path = CGROUPS, hostname: Path = HOSTNAME) -> Iterator[str]:
    """Ids that the container of this process may have, the likeliest first; more than one in a nested container."""
    own_files = [
        mount.root for mount in reversed(mounts(table)) if mount.point.startswith(("/etc/", "/run/"))
    ]
    groups = cgroups.read_text().splitlines() if cgroups.exists() else []
    found = [match for text in (*own_files, *groups) for match in _ID.findall(text)]
    name = hostname.read_text().strip()
    yield from dict.fromkeys([*found, *([name] if _SHORT_ID.fullmatch(name) else [])])


def sees_peer(path: Path) -> bool:
    """Whether who listens at a unix socket runs in this pid namespace, or nobody does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.connect(str(path))
        except OSError:
            return True
        pid, _, _ = _CREDENTIALS.unpack(
            connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        )
    return bool(pid)


def _plain(field: str) -> str:
    r"""Without the escapes of the table, \040 for a space."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), field)
