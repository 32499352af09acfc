"""A command on this host, run as one in a container is: output as it comes, an exit code, a limit, and nothing left.

For the sites whose sources cannot be had in a container (`scm_on_host`): what kojid does, and what a container would
keep a repository of others from. All that the command starts, but for what makes itself a daemon, ends with the call,
and with this process, however that ends.
"""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import cast

from koji_adjutant.container.interface import LogSink, Stream
from koji_adjutant.container.programs import bash
from koji_adjutant.errors import TaskCanceled, TaskTimeout

SCRIPT = Path(__file__).with_name("scripts") / "on_host.sh"
SCRIPT_TEXT = SCRIPT.read_text()
PIECE = 1 << 16
LOOK_STEP = 0.1
"""Seconds between two looks at whether somebody still wants the command."""


def run_on_host(
    command: Sequence[str],
    sink: LogSink,
    *,
    environment: Mapping[str, str],
    directory: Path,
    timeout: float,
    is_ended: Callable[[], bool] = lambda: False,
) -> int:
    """The exit code of `command`. TaskTimeout after `timeout` seconds; TaskCanceled when `is_ended` says so before."""
    deadline = time.monotonic() + timeout
    with subprocess.Popen(
        bash(SCRIPT_TEXT, SCRIPT.name, *command),
        env=dict(environment),
        cwd=directory,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            if not _pump(process, sink, lambda: is_ended() or time.monotonic() > deadline):
                if is_ended():
                    raise TaskCanceled(f"nobody waits for {command[0]} any more")
                raise TaskTimeout(f"{command[0]} ran longer than {timeout:g} s")
            return process.wait()
        finally:
            # Who waits for us to end is one of the group, so that its number is nobody else's.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _pump(process: "subprocess.Popen[bytes]", sink: LogSink, is_over: Callable[[], bool]) -> bool:
    """Hand on what comes, to the end of both streams; whether it came to that."""
    with selectors.DefaultSelector() as selector:
        for stream, file in (("stdout", process.stdout), ("stderr", process.stderr)):
            assert file is not None
            selector.register(file.fileno(), selectors.EVENT_READ, stream)
        while selector.get_map():
            if is_over():
                return False
            for key, _ in selector.select(LOOK_STEP):
                if data := os.read(key.fd, PIECE):
                    sink.write(cast("Stream", key.data), data)
                else:
                    selector.unregister(key.fd)
    return True
