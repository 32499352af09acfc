"""Servers that are processes of this machine: they listen when a block is entered, and are gone when it is left."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.waiting import PATIENCE, eventually


def free_port(host: str) -> int:
    """A port that nobody has at the moment."""
    with socket.create_server((host, 0)) as probe:
        return int(probe.getsockname()[1])


def listens(host: str, port: int) -> bool:
    """Whether somebody answers there."""
    with suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False


@contextmanager
def serving(
    argv: Sequence[str], host: str, port: int, log: Path, *, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that listens at host and port; its group ends with the block."""
    with log.open("ab") as output:
        child = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    try:
        eventually(
            lambda: child.poll() is not None or listens(host, port),
            f"{argv[0]} listens at {host}:{port}",
        )
        assert child.poll() is None, f"{argv[0]} ended: {log.read_text(errors='replace')}"
        yield child
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGTERM)
        try:
            child.wait(PATIENCE)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
