"""A hub with one tag and one repo, and an engine in memory with a web server that has repo and source package."""

from collections.abc import Iterator
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.unit.buildroot.fake_repo import write_repo
from tests.unit.handlers.build.build_hub import SRPM, TaskHub
from tests.unit.handlers.conftest import MakeSrpm, QuietHandler
from tests.unit.task_adapters.build_bench import BASE, Bench


@pytest.fixture
def task_hub() -> TaskHub:
    return TaskHub()


@pytest.fixture
def bench(tmp_path: Path, make_srpm: MakeSrpm) -> Iterator[Bench]:
    """An engine in memory, and a web server with the repo and the source package."""
    files = tmp_path / "web"
    write_repo(files / "repos" / "dist-build" / "7" / "x86_64", BASE)
    make_srpm(files / "work" / SRPM, "hello")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(files))) as server:
        thread = Thread(target=partial(server.serve_forever, poll_interval=0.01))
        thread.start()
        made = Bench(tmp_path, f"http://127.0.0.1:{server.server_port}")
        yield made
        server.shutdown()
        thread.join()
    assert made.manager.find({}) == ()
