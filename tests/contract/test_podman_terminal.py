"""Typing into a container of a real engine, with a terminal and without one."""

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.testbed.engine.service import Engine
from tests.contract.containers import WORKER
from tests.waiting import eventually

pytestmark = pytest.mark.podman

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30.0
SIZE = "/bin/true; echo $LINES,$COLUMNS\r"


def argv(engine: Engine, image: str, *command: str) -> list[str]:
    return [sys.executable, "-m", "tests.contract.open_terminal", engine.socket, image, *command]


def piped(engine: Engine, image: str, stdin: bytes, *command: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        argv(engine, image, *command),
        input=stdin,
        capture_output=True,
        check=False,
        cwd=ROOT,
        timeout=PATIENCE,
    )


def test_without_a_terminal(engine: Engine, contract_image: str) -> None:
    script = b"echo out; echo err >&2; id -u; [ -t 0 ] || echo no terminal; exit 7\n"
    done = piped(engine, contract_image, script, "/bin/bash")
    assert (done.returncode, done.stdout, done.stderr) == (7, b"out\n0\nno terminal\n", b"err\n")


def test_the_end_of_input_is_seen(engine: Engine, contract_image: str) -> None:
    done = piped(engine, contract_image, b"", "/bin/cat")
    assert (done.returncode, done.stdout) == (0, b"")


def test_much_goes_through(engine: Engine, contract_image: str) -> None:
    sent = os.urandom(1 << 16) * 64
    done = piped(engine, contract_image, sent, "/bin/cat")
    assert (done.returncode, done.stdout == sent) == (0, True)


def test_a_command_that_reads_nothing(engine: Engine, contract_image: str) -> None:
    done = piped(engine, contract_image, b"x" * 10_000, "/bin/bash", "-c", "echo done; exit 3")
    assert (done.returncode, done.stdout) == (3, b"done\n")


def test_what_cannot_start_leaves_nothing(
    engine: Engine, contract_image: str, manager: PodmanManager
) -> None:
    done = piped(engine, contract_image, b"", "/nonexistent")
    assert done.returncode == 1
    assert b"/nonexistent" in done.stderr
    assert manager.find(WORKER) == ()


@dataclass
class Screen:
    """Whoever sits at the terminal of a process."""

    process: subprocess.Popen[bytes]
    terminal: int
    seen: bytes = b""

    def type(self, text: str) -> None:
        os.write(self.terminal, text.encode())

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while text.encode() not in self.seen:
            assert time.monotonic() < deadline, self.seen
            self._read()
        self.seen = self.seen.partition(text.encode())[2]

    def answer(self, text: str, pattern: str) -> str:
        """What the pattern finds in what comes after `text` was typed."""
        self.seen = b""
        self.type(text)

        def look() -> str:
            self._read()
            found = re.search(pattern, self.seen.decode(errors="replace"))
            return found[1] if found else ""

        return eventually(look, pattern)

    def _read(self) -> None:
        if select.select([self.terminal], [], [], 0.1)[0]:
            self.seen += os.read(self.terminal, 65536)

    def size(self, lines: int, columns: int) -> None:
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))


@pytest.fixture
def screen(engine: Engine, contract_image: str) -> Iterator[Screen]:
    master, slave = os.openpty()
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
    process = subprocess.Popen(
        argv(engine, contract_image, "/bin/bash", "--norc", "-i"),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        cwd=ROOT,
    )
    os.close(slave)
    made = Screen(process=process, terminal=master)
    made.wait_for("# ")
    yield made
    process.terminate()
    process.wait(PATIENCE)
    os.close(made.terminal)


def test_with_a_terminal(screen: Screen) -> None:
    screen.type("[ -t 0 ] && [ -t 1 ] && echo a-$((40 + 2))\r")
    screen.wait_for("a-42\r\n")
    screen.type("shopt -s checkwinsize\r")
    screen.type(SIZE)
    screen.wait_for("\n33,99\r\n")
    screen.size(44, 77)
    # The size follows as fast as a signal and a request are.
    eventually(lambda: screen.answer(SIZE, r"\n(\d+,\d+)\r\n") == "44,77", "the new size")
    screen.type("exit 5\r")
    assert screen.process.wait(PATIENCE) == 5


def test_control_keys_go_to_the_container(screen: Screen) -> None:
    screen.type("bash -c 'echo up-$((1 + 1)); exec cat'\r")
    # It says so itself: a moment earlier the key would be its parent's.
    screen.wait_for("up-2")
    screen.type("\x03")
    screen.wait_for("# ")
    screen.type("echo status-$?\r")
    screen.wait_for("status-130")
    screen.type("\x10\x10")
    # Two lines up in its history, so it has them: the third key comes apart.
    screen.wait_for("exec cat'")
    screen.type("\x11")
    screen.type("\x15echo still-$((1 + 1))\r")
    screen.wait_for("still-2")
    # A ^D that comes before the shell reads keys again is the end of a line that nobody reads, and no key then.
    screen.wait_for("# ")
    screen.type("\x04")
    assert screen.process.wait(PATIENCE) == 0


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_signal_removes_the_container(
    screen: Screen, manager: PodmanManager, number: signal.Signals
) -> None:
    screen.type("echo up-$((1 + 1))\r")
    screen.wait_for("up-2")
    before = termios.tcgetattr(screen.terminal)
    screen.process.send_signal(number)
    assert screen.process.wait(PATIENCE) == 128 + number
    assert manager.find(WORKER) == ()
    assert termios.tcgetattr(screen.terminal)[3] != before[3], "the terminal is as it was before"


def test_a_terminal_that_goes_away_removes_the_container(screen: Screen, manager: PodmanManager) -> None:
    screen.type("echo up-$((1 + 1))\r")
    screen.wait_for("up-2")
    os.close(screen.terminal)
    screen.terminal = os.open("/dev/null", os.O_RDONLY)
    assert screen.process.wait(PATIENCE) == 128 + signal.SIGHUP
    assert manager.find(WORKER) == ()
