"""The socket that the status server listens on. Two servers on one are none: the second one says so and ends.

A unix socket outlives the server that made it. One that nobody listens on is replaced; one that somebody does is not.
Its mode lets the group in that may read what is shown. The socket is closed, and its file removed, by whoever has it.
"""

import errno
import grp
import os
import socket
from contextlib import suppress
from pathlib import Path
from stat import S_ISSOCK

from koji_adjutant.errors import ConfigError
from koji_adjutant.host.bind import Bind

BACKLOG = 64
SOCKET_MODE = 0o660
IN_USE = "another status server, or something else, listens there already"


def listening(bind: Bind, group: str = "") -> socket.socket:
    """A socket that listens. `group` may connect to one of unix. ConfigError."""
    where = f"monitoring_bind {bind}"
    try:
        return _unix(Path(bind.path), group) if bind.path else _tcp(bind.host, bind.port)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        why = IN_USE if taken else f"it cannot be listened on: {error.strerror or error}"
        raise ConfigError(f"{where}: {why}", hint="choose another") from error


def identity(bind: Bind) -> tuple[int, int] | None:
    """What the file of a unix socket is; None when there is none, or for another socket."""
    if not bind.path:
        return None
    try:
        status = Path(bind.path).stat(follow_symlinks=False)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def removed(bind: Bind, made: tuple[int, int] | None) -> None:
    """Remove the file of a unix socket, if it is the one that was made."""
    if made is not None and identity(bind) == made:
        with suppress(OSError):
            Path(bind.path).unlink()


def _tcp(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    made = socket.socket(family, kind, protocol)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(BACKLOG)
    except OSError:
        made.close()
        raise
    return made


def _unix(path: Path, group: str) -> socket.socket:
    if _is_listened_on(path):
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
    # Made under another name, so that it is never there with another mode than it should have.
    new = path.with_name(f".{path.name}.{os.getpid()}")
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        new.unlink(missing_ok=True)
        made.bind(str(new))
        _let_in(new, group)
        made.listen(BACKLOG)
        new.rename(path)
    except OSError:
        made.close()
        new.unlink(missing_ok=True)
        raise
    return made


def _is_listened_on(path: Path) -> bool:
    """Whether somebody listens on a socket; OSError, when something else is there."""
    try:
        if not S_ISSOCK(path.stat(follow_symlinks=False).st_mode):
            raise OSError(errno.EEXIST, "something that is no socket is there")
    except FileNotFoundError:
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(2.0)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except TimeoutError:
            # Somebody listens, and is busy.
            return True
    return True


def _let_in(path: Path, group: str) -> None:
    path.chmod(SOCKET_MODE)
    try:
        gid = grp.getgrnam(group).gr_gid
    except KeyError:
        return
    with suppress(PermissionError):
        os.chown(path, -1, gid)
