"""How the main process sleeps."""

import os
import signal
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from koji_adjutant.daemon.wakeup import SUBTASKS, WakeUp, poke

LONG = 20.0


def seconds_of(sleep: Callable[[], object]) -> float:
    start = time.monotonic()
    sleep()
    return time.monotonic() - start


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    # Longer than the name of a unix socket may be.
    directory = tmp_path / ("d" * 120)
    directory.mkdir()
    return directory / "wake"


def test_it_sleeps(socket: Path) -> None:
    with WakeUp(socket) as wakeup:
        assert seconds_of(lambda: wakeup.wait(0.1)) >= 0.1


def test_a_poke_before_the_sleep_is_not_lost(socket: Path) -> None:
    with WakeUp(socket) as wakeup:
        poke(socket)
        poke(socket)
        assert seconds_of(lambda: wakeup.wait(LONG)) < LONG / 2
        assert seconds_of(lambda: wakeup.wait(0.1)) >= 0.1


def test_a_poke_may_say_that_subtasks_were_made(socket: Path) -> None:
    with WakeUp(socket) as wakeup:
        poke(socket, SUBTASKS)
        poke(socket)
        assert wakeup.wait(LONG) is True
        poke(socket)
        assert wakeup.wait(LONG) is False
        assert wakeup.wait(0) is False


def test_a_poke_during_the_sleep(socket: Path) -> None:
    with WakeUp(socket) as wakeup:
        timer = threading.Timer(0.05, poke, [socket])
        timer.start()
        assert seconds_of(lambda: wakeup.wait(LONG)) < LONG / 2
        timer.join()


def test_a_signal_ends_the_sleep(socket: Path) -> None:
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        with WakeUp(socket) as wakeup:
            timer = threading.Timer(0.05, os.kill, [os.getpid(), signal.SIGUSR1])
            timer.start()
            assert seconds_of(lambda: wakeup.wait(LONG)) < LONG / 2
            timer.join()
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_the_end_of_a_child_ends_the_sleep(socket: Path) -> None:
    pid = os.posix_spawn("/bin/sleep", ["sleep", "0.05"], {})
    child = os.pidfd_open(pid)
    try:
        with WakeUp(socket) as wakeup:
            assert seconds_of(lambda: wakeup.wait(LONG, [child])) < LONG / 2
    finally:
        os.waitpid(pid, 0)
        os.close(child)


def test_the_socket_is_ours_alone_and_goes_with_us(socket: Path) -> None:
    with WakeUp(socket):
        assert stat.S_IMODE(socket.stat().st_mode) == 0o600
    assert not socket.exists()


def test_a_socket_of_a_dead_daemon_is_replaced(socket: Path) -> None:
    socket.touch()
    with WakeUp(socket) as wakeup:
        poke(socket)
        assert seconds_of(lambda: wakeup.wait(LONG)) < LONG / 2


def test_a_poke_never_waits_and_never_fails(socket: Path) -> None:
    poke(socket)
    poke(socket.parent / "none" / "wake")
    start = time.monotonic()
    with WakeUp(socket):
        for _ in range(2000):
            poke(socket)
    assert time.monotonic() - start < LONG / 2
