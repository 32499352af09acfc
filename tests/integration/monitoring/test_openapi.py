"""The description of the API against the server: a client that knows nothing but the description makes requests."""

import os
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.journal.file import FileJournal
from koji_adjutant.journal.phases import Phase
from koji_adjutant.journal.state import JOURNAL
from koji_adjutant.monitoring.openapi import PATH
from tests.fakes.journals import write_sample
from tests.status_server import Server, running_server

CHECKED = ("--exclude-path=/api/v1/events", "--checks=all", "--seed=1", "--max-examples=8", "--no-color")
"""Events have no end. That a client's request is refused or answered as described is what `all` looks at."""
MINUTES = 4


@contextmanager
def relayed(server: Server) -> Iterator[str]:
    """The address of a relay to a unix socket, for a client that knows only TCP."""

    class Relay(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with closing(server.raw()) as there:
                back = threading.Thread(target=_copy, args=(there, self.request))
                back.start()
                _copy(self.request, there)
                back.join()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Relay) as relay:
        thread = threading.Thread(target=relay.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{relay.server_address[1]}"
        finally:
            relay.shutdown()
            thread.join()


def _copy(source: Any, target: Any) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(1)
    except OSError:
        pass


@pytest.mark.parametrize(("where", "phase"), [("loopback", "fuzzing"), ("unix", "coverage")])
def test_a_client_that_knows_the_description_finds_nothing_else(
    tmp_path: Path, where: str, phase: str
) -> None:
    sample = write_sample(tmp_path / "state")
    journal = FileJournal(sample.state_dir / JOURNAL)
    for task in sample.tasks:
        # Nothing is followed for ever.
        journal.record(Phase.CLOSED, task=task)
    bind = "127.0.0.1:0" if where == "loopback" else f"unix:{tmp_path / 'sock'}"
    with running_server(sample.state_dir, tmp_path / "own", bind=bind) as server:
        if where == "loopback":
            checked(server.url, phase, tmp_path)
        else:
            with relayed(server) as url:
                checked(url, phase, tmp_path)
        assert server.said().count("\n") == 1, server.said()


def checked(url: str, phase: str, directory: Path) -> None:
    """Run the client; it finds nothing."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    argv = [str(Path(sys.executable).with_name("st")), "run", url + PATH, f"--phases={phase}", *CHECKED]
    done = subprocess.run(
        argv,
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60 * MINUTES,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
