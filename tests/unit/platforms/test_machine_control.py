"""Commands for a machine, with somebody else at the other end of its port."""

import base64
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.platforms.machine.control import Control, MachineGone

Answers = Callable[[dict[str, Any]], Iterator[dict[str, Any]]]


@contextmanager
def machine(path: Path, answers: Answers, *, takes: int = 1) -> Iterator[None]:
    """One that answers so many scripts, and is off then."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()

        def run() -> None:
            connection, _ = listening.accept()
            with connection, connection.makefile("r") as lines:
                for _ in range(takes):
                    asked = json.loads(lines.readline())
                    for answer in answers(asked):
                        connection.sendall(json.dumps({"id": asked["id"], **answer}).encode() + b"\n")

        thread = threading.Thread(target=run)
        thread.start()
        yield
        thread.join()


def printed(text: str) -> dict[str, Any]:
    return {"output": base64.b64encode(text.encode()).decode()}


def test_what_a_script_prints_and_its_status(tmp_path: Path) -> None:
    def answers(asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield printed(f"{asked['script']}: ")
        # Of a command of somebody who was there before.
        yield {"id": 0, **printed("not ours")}
        yield printed("done\n")
        yield {"status": 3}

    with machine(tmp_path / "port", answers), Control(tmp_path / "port") as control:
        done = control.run("uptime", seconds=30)
    assert (done.status, done.output) == (3, "uptime: done\n")


def test_a_machine_that_goes_off(tmp_path: Path) -> None:
    with machine(tmp_path / "port", lambda _asked: iter(())), Control(tmp_path / "port") as control:
        with pytest.raises(MachineGone, match="has ended before it was done: uptime"):
            control.run("uptime", seconds=30)
        with pytest.raises(MachineGone, match="is off"):
            control.run("uptime", seconds=30)


def test_a_script_that_hangs(tmp_path: Path) -> None:
    with machine(tmp_path / "port", lambda _asked: iter(()), takes=2), Control(tmp_path / "port") as control:
        with pytest.raises(MachineGone, match="after 0 s it is not done: sleep"):
            control.run("sleep", seconds=0.1)
        control.start("the second, after which it is off")
