"""The status server, where no service manager has it as a unit of its own: a child of the main process.

It is a program of its own from the first line on: with the user of its unit, or as nobody, with the group that may see
what is shown and no other, without a privilege and without a descriptor of ours. Its working directory is the state
directory: it may be below one that is closed to its user. It dies with the main process, and one
that dies is started again, later each time. A daemon that starts anew ends it, and the next one starts it, with what
has been upgraded.
"""

import ctypes
import logging
import os
import pwd
import signal
import stat
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from koji_adjutant.config import Config
from koji_adjutant.daemon.public.directory import OF_SERVER
from koji_adjutant.daemon.recurring import Recurring
from koji_adjutant.daemon.tasks.processes import Child, fork, stop_all
from koji_adjutant.host import systemd
from koji_adjutant.host.groups import group_id

USER = "koji-adjutant-status"
NOBODY = 65534
NICENESS = 19
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds until one that has died is started again; doubled each time."""
GOOD_SECONDS = 60.0
"""One that has lived for so long had no reason to die that lasts."""
STOP_GRACE = 1.0
STDERR, FIRST_DESCRIPTOR = 2, 3
SAID = "messages"
"""A file of the server's own."""
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38

logger = logging.getLogger("koji.adjutant.daemon.public")


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who a server runs as; None: as we do."""

    user: int | None
    group: int | None

    @classmethod
    def here(cls, group: str) -> "Identity":
        """That of a server which reads what `group` may."""
        if os.geteuid() != 0:
            return cls(user=None, group=None)
        try:
            user = pwd.getpwnam(USER).pw_uid
        except KeyError:
            user = NOBODY
        return cls(user=user, group=group_id(group))


def is_wanted(config: Config) -> bool:
    """Whether the main process is to have a server: something is shown, and no service manager would start one."""
    return config.monitoring_enabled and not config.single and not systemd.is_manager()


def make_own_directory(path: Path, identity: Identity) -> None:
    """The directory of a server's own. OSError."""
    path.mkdir(mode=0o700, exist_ok=True)
    path.chmod(0o700)
    if identity.user is None or identity.group is None:
        return
    # Files of the user that it had before. What has another name elsewhere may be somebody's whom it does not know.
    for one in path.iterdir():
        status = one.lstat()
        if stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
            os.chown(one, identity.user, identity.group, follow_symlinks=False)
    os.chown(path, identity.user, identity.group, follow_symlinks=False)


class StatusServer:
    """The server of a main process; without an `argv` there is none. `at_start` is what a child does first."""

    def __init__(
        self,
        argv: Sequence[str],
        state_dir: Path,
        identity: Identity,
        *,
        at_start: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._argv = tuple(argv)
        self._state_dir = state_dir
        self._identity = identity
        self._at_start = at_start
        self._clock = clock
        self._child: Child | None = None
        self._started = 0.0
        self._due = 0.0
        self._pause = FIRST_PAUSE
        self._trouble = Recurring(clock)

    @property
    def pid(self) -> int | None:
        """Of the one that runs."""
        return None if self._child is None else self._child.pid

    def pidfds(self) -> tuple[int, ...]:
        """What becomes readable when it ends."""
        return () if self._child is None else (self._child.pidfd,)

    def patience(self) -> float:
        """The most seconds until `keep_running` is to be called."""
        return max(0.0, self._due - self._clock()) if self._argv and self._child is None else float("inf")

    def keep_running(self) -> None:
        """Collect one that has died, and start one if it is time. Never waits."""
        if not self._argv:
            return
        if self._child is not None and self._child.has_ended():
            status = self._child.reap()
            self._child = None
            self._delay(f"ended with status {status}")
        if self._child is None and self._clock() >= self._due:
            self._start()

    def stop(self) -> None:
        """End it."""
        if self._child is not None:
            child, self._child = self._child, None
            stop_all([child], STOP_GRACE)
        self._argv = ()

    def _start(self) -> None:
        parent = os.getpid()

        def run() -> int:
            become(self._argv, self._state_dir, self._identity, parent)

        try:
            make_own_directory(self._state_dir / OF_SERVER, self._identity)
            self._child = fork("status server", run, at_start=self._at_start)
        except OSError as error:
            self._delay(f"could not be started: {error}")
            return
        self._started = self._clock()
        logger.info("Status server: pid %d", self._child.pid)

    def _delay(self, what: str) -> None:
        now = self._clock()
        if self._started and now - self._started >= GOOD_SECONDS:
            self._pause = FIRST_PAUSE
            self._trouble.over()
        if self._trouble.is_to_be_said(what):
            logger.warning("The status server %s; the next one follows in %.0f s", what, self._pause)
        self._due = now + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)


def become(argv: Sequence[str], directory: Path, identity: Identity, parent: int) -> NoReturn:
    """Be that program in `directory` from here on, in a child that was just forked by `parent`. OSError."""
    library = ctypes.CDLL(None)
    os.nice(NICENESS)
    os.chdir(directory)
    if identity.user is not None and identity.group is not None:
        os.setgroups([])
        os.setresgid(identity.group, identity.group, identity.group)
        os.setresuid(identity.user, identity.user, identity.user)
    library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    # Another user's process forgets it.
    library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit
    _keep_what_it_says(Path(OF_SERVER, SAID))
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE):
        signal.signal(each, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in range(FIRST_DESCRIPTOR, 1 + max(int(one.name) for one in Path("/proc/self/fd").iterdir())):
        with suppress(OSError):
            os.set_inheritable(number, False)
    # Nothing of our environment, in which passwords may be.
    os.execve(argv[0], [*argv], {"PATH": os.defpath, "LANG": "C.UTF-8"})  # noqa: S606


def _keep_what_it_says(file: Path) -> None:
    """In the background nobody reads standard error: there it is a file, of the last start."""
    if os.fstat(STDERR).st_rdev != os.stat(os.devnull).st_rdev:  # noqa: PTH116
        return
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    os.dup2(handle, STDERR)
