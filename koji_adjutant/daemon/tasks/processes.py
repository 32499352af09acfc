"""Child processes of the main process, each held by a pidfd: task processes and helpers.

A child has a session of its own: no terminal, and no signal that is meant for the main process' group. It is never
joined by chance: a pidfd names one process, whatever becomes of its pid. `reap` collects the exit status once; until
then the process stays in the caller's books. Task processes outlive the main process, and the next one adopts them:
then they may be nobody's children, and their exit status is unknown. Helpers end with the main process.
"""

import ctypes
import logging
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import NoReturn

logger = logging.getLogger("koji.adjutant.daemon.tasks")

KILLED_SECONDS = 5.0
"""What the kernel may need to end a process that was killed: one of an earlier main process cannot be waited for."""
REAP_STEP = 0.01
_PR_SET_PDEATHSIG = 1
_told: list[int] = []
"""In a child: the signal that ends it."""
_HELD_BACK = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2)


@dataclass(frozen=True, kw_only=True)
class Child:
    """A process that was forked, by this main process or by an earlier one."""

    name: str
    pid: int
    pidfd: int

    def has_ended(self) -> bool:
        """Whether it has, without waiting."""
        poller = select.poll()
        poller.register(self.pidfd, select.POLLIN)
        return bool(poller.poll(0))

    def reap(self) -> int | None:
        """The exit code (negative: the signal) of a process that has ended; the pidfd is closed.

        It goes from the caller's books first: a signal may end us anywhere, and the pidfd may by then be another's.
        None for a process that an earlier main process forked: its parent now is init.
        """
        try:
            ended = os.waitid(os.P_PIDFD, self.pidfd, os.WEXITED)
        except ChildProcessError:
            return None
        finally:
            os.close(self.pidfd)
        assert ended is not None
        return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; nothing when it has ended."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, number)

    def kill(self) -> None:
        """SIGKILL to the process and its process group."""
        # Not reaped yet, so its pid, and the group of that number, are still its own. Init may have reaped one of an
        # earlier main process.
        try:
            signal.pidfd_send_signal(self.pidfd, 0)
        except ProcessLookupError:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.signal(signal.SIGKILL)


def wait_for_all(children: Iterable[Child], seconds: float) -> bool:
    """Wait until all have ended, at most `seconds`; whether they have."""
    deadline = time.monotonic() + seconds
    for child in children:
        poller = select.poll()
        poller.register(child.pidfd, select.POLLIN)
        if not poller.poll(max(0.0, deadline - time.monotonic()) * 1000):
            return False
    return True


def stop_all(children: Collection[Child], grace: float, *, killed: float = KILLED_SECONDS) -> None:
    """SIGTERM, after `grace` seconds SIGKILL, and reap what has ended `killed` seconds later.

    One that a call of the kernel keeps alive, on a disk that does not answer, is left to itself: nobody waits for it.
    """
    for child in children:
        child.signal(signal.SIGTERM)
    wait_for_all(children, grace)
    for child in children:
        child.kill()
    wait_for_all(children, killed)
    for child in children:
        if child.has_ended():
            child.reap()
        else:
            logger.error("%s (pid %s) cannot be killed, and is left", child.name, child.pid)
            os.close(child.pidfd)


def kill_group(pid: int) -> None:
    """SIGKILL to a process that is not our child, and to its process group."""
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@contextmanager
def signals_held_back() -> Iterator[None]:
    """In this context no signal handler of the daemon runs: between a fork and the books that it is entered in."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _HELD_BACK)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def fork(
    name: str, run: Callable[[], int], *, at_start: Callable[[], None], outlives_us: bool = False
) -> Child:
    """A child that calls `at_start` and then `run`, and exits with what `run` returns.

    SIGTERM and SIGINT unwind the child's stack; SIGUSR2 stays blocked, for who waits for it. It is killed when this
    process dies, unless it `outlives_us`. OSError: there is no child.
    """
    parent = 0 if outlives_us else os.getpid()
    with signals_held_back():
        pid = os.fork()
        if pid == 0:
            _child(name, run, at_start, parent)
        try:
            return Child(name=name, pid=pid, pidfd=os.pidfd_open(pid))
        except OSError:
            _end_at_once(pid)
            raise


def _end_at_once(pid: int) -> None:
    """Kill and reap a child that was just forked, and that nothing else can hold."""
    kill_group(pid)
    deadline = time.monotonic() + KILLED_SECONDS
    while os.waitpid(pid, os.WNOHANG) == (0, 0) and time.monotonic() < deadline:
        time.sleep(REAP_STEP)


def _child(name: str, run: Callable[[], int], at_start: Callable[[], None], parent: int) -> NoReturn:
    # Nothing may return into the copy of the main process' stack, whatever happens here.
    status = 1
    try:
        os.setsid()
        if parent:
            _end_with(parent)
        signal.signal(signal.SIGTERM, _end_on_signal)
        signal.signal(signal.SIGINT, _end_on_signal)
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        signal.signal(signal.SIGUSR2, _do_nothing)
        at_start()
        signal.pthread_sigmask(signal.SIG_SETMASK, {signal.SIGUSR2})
        status = run()
        _ignore_signals()
    except SystemExit:
        logger.info("%s: ended by a signal", name)
    except BaseException:
        _ignore_signals()
        logger.exception("%s", name)
    finally:
        try:
            _ignore_signals()
            logging.shutdown()
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(status)


def _end_with(parent: int) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit


def before_the_end(call: Callable[[], None]) -> None:
    """In a child: have `call` made, between two steps of the main thread, when a signal ends it; before it unwinds."""

    def end(number: int, frame: object) -> NoReturn:
        call()
        _end_on_signal(number, frame)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)


def end_if_told() -> None:
    """SystemExit again, in a child that a signal ends: what it met on its way out may have taken its place."""
    if _told:
        raise SystemExit(128 + _told[-1])


def _end_on_signal(number: int, _frame: object) -> NoReturn:
    # Once: what unwinds is not to be interrupted.
    _ignore_signals()
    _told.append(number)
    raise SystemExit(128 + number)


def _ignore_signals() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _do_nothing(_number: int, _frame: object) -> None:
    return
