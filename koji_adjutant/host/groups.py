"""Groups of this host, and giving files to one: for readers who are to see some files of a directory and no others."""

import grp
import os
from contextlib import suppress
from pathlib import Path
from stat import S_IMODE


def group_id(name: str) -> int:
    """The group `name`, if there is one and this process can give it files; else the process' own."""
    try:
        found = grp.getgrnam(name).gr_gid
    except KeyError:
        return os.getegid()
    return found if os.geteuid() == 0 or found in os.getgroups() else os.getegid()


def share(path: Path | int, group: int, mode: int) -> None:
    """Give a file (its path or descriptor) that `mode` and `group`, unless it has them. OSError."""
    found = os.stat(path)  # noqa: PTH116 - a descriptor is no Path
    if found.st_gid != group:
        # One that another group may have is not shared wider meanwhile.
        os.chmod(path, mode & 0o700)  # noqa: PTH101
        os.chown(path, -1, group)
        os.chmod(path, mode)  # noqa: PTH101
    elif S_IMODE(found.st_mode) != mode:
        os.chmod(path, mode)  # noqa: PTH101


def keep_to_owner(path: Path) -> None:
    """Take a file or directory from everybody but its owner; a link is left alone. OSError."""
    with suppress(FileNotFoundError):
        mode = S_IMODE(path.lstat().st_mode)
        if mode & 0o077 and not path.is_symlink():
            path.chmod(mode & 0o700)
