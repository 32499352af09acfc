"""A program on a terminal of its own, and what it has written there."""

import os
import pty
import signal
import subprocess
import termios
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from tests.waiting import eventually

ROWS, COLUMNS = 40, 160


class OnTerminal:
    """A running program; it is ended with the context that it was started in."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: int) -> None:
        self._process = process
        self._terminal = terminal
        self._said = b""

    def said(self) -> str:
        """All that it has written so far."""
        with suppress(OSError, BlockingIOError):
            while chunk := os.read(self._terminal, 1 << 16):
                self._said += chunk
        return self._said.decode()

    def wait_for(self, text: str) -> str:
        """What it has said when `text` is in it."""
        eventually(lambda: text in self.said(), lambda: f"{text!r} in {self.said()!r}")
        return self.said()

    def interrupt(self) -> None:
        """What Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)

    def exit_code(self) -> int:
        """Of the program, when it has ended."""
        eventually(
            lambda: (self.said(), self._process.poll())[1] is not None, lambda: f"an end: {self.said()}"
        )
        return self._process.returncode


@contextmanager
def on_terminal(argv: Sequence[str]) -> Iterator[OnTerminal]:
    """Start a program on a terminal of 40 rows and 160 columns."""
    ours, its = pty.openpty()
    termios.tcsetwinsize(its, (ROWS, COLUMNS))
    os.set_blocking(ours, False)
    environment = {**os.environ, "TERM": "xterm-256color"}
    for name in ("COLUMNS", "LINES", "NO_COLOR"):
        environment.pop(name, None)
    process = subprocess.Popen(argv, stdin=its, stdout=its, stderr=its, env=environment, cwd="/")
    os.close(its)
    try:
        yield OnTerminal(process, ours)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(ours)
