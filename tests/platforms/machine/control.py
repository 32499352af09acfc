"""Commands for a running machine, by a port of its own: no network is needed, and what is run is seen while it prints.

A `Control` lives as long as somebody wants to command; the machine goes on without, and takes the next one.
"""

import base64
import json
import queue
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from koji_adjutant.errors import AdjutantError

COMMAND_SECONDS = 600.0


class MachineGone(AdjutantError):
    """The machine is off, or does not answer."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """A script that has ended."""

    status: int
    output: str


@dataclass(kw_only=True)
class Running:
    """A script on the machine."""

    script: str
    _answers: "queue.Queue[dict[str, Any]]" = field(default_factory=queue.Queue)

    def take(self, answer: dict[str, Any]) -> None:
        self._answers.put(answer)

    def pieces(self, *, seconds: float = COMMAND_SECONDS) -> Iterator[bytes | int]:
        """What it prints, as it comes, and at last its status."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                answer = self._answers.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise MachineGone(f"after {seconds:.0f} s it is not done: {self.script}") from None
            if "gone" in answer:
                raise MachineGone(f"the machine has ended before it was done: {self.script}")
            if "status" in answer:
                yield int(answer["status"])
                return
            yield base64.b64decode(answer["output"])

    def wait(self, *, seconds: float = COMMAND_SECONDS) -> Done:
        """Wait for its end."""
        output: list[str] = []
        for piece in self.pieces(seconds=seconds):
            if isinstance(piece, int):
                return Done(status=piece, output="".join(output))
            output.append(piece.decode(errors="replace"))
        raise AssertionError("a script has a status")


class Control:
    """The port of one machine, at a socket of this one."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._running: dict[int, Running] = {}
        # Of one that commanded before, answers may still come.
        self._number = time.monotonic_ns()
        self._is_gone = False
        self._lock = threading.Lock()
        self._reader = threading.Thread(target=self._read, name="machine", daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._reader.join()
        self._socket.close()

    def start(self, script: str) -> Running:
        """Start a script of bash; it goes on by itself."""
        running = Running(script=script)
        with self._lock:
            self._number += 1
            self._running[self._number] = running
            message = json.dumps({"id": self._number, "script": script})
            if self._is_gone:
                raise MachineGone("the machine is off")
            self._socket.sendall(message.encode() + b"\n")
        return running

    def run(self, script: str, *, seconds: float = COMMAND_SECONDS) -> Done:
        """Run a script of bash to its end."""
        return self.start(script).wait(seconds=seconds)

    def _read(self) -> None:
        rest = b""
        with suppress(OSError):
            while piece := self._socket.recv(1 << 16):
                *lines, rest = (rest + piece).split(b"\n")
                for line in lines:
                    self._hand_on(json.loads(line))
        with self._lock:
            self._is_gone = True
        for running in self._running.values():
            running.take({"gone": True})

    def _hand_on(self, answer: dict[str, Any]) -> None:
        running = self._running.get(answer["id"])
        if running is not None:
            running.take(answer)
