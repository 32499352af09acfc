"""What handlers work with in these tests: no engine, no hub, and a loopback server for source packages."""

import functools
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pytest_mock import MockerFixture

from koji_adjutant.config import Config
from koji_adjutant.container.interface import ContainerManager
from koji_adjutant.handlers.base import Services, TaskHandler
from koji_adjutant.journal.phases import NullJournal
from tests.bound_handlers import bound

SPEC = """\
Name: {name}
Version: 1.0
Release: 1.md1
Summary: A package without content
License: MIT
{tags}
%description
Nothing.
%files
"""
MakeSrpm = Callable[..., Path]
MakeHandler = Callable[..., Any]


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """What is below topurl."""
    directory = tmp_path / "files"
    directory.mkdir()
    return directory


@pytest.fixture
def topurl(files: Path) -> Iterator[str]:
    handler = functools.partial(QuietHandler, directory=str(files))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def make_srpm(tmp_path: Path) -> MakeSrpm:
    """Makes a source package at a path."""

    def make(target: Path, name: str, tags: str = "") -> Path:
        work = tmp_path / "rpmbuild" / name
        work.mkdir(parents=True, exist_ok=True)
        spec = work / f"{name}.spec"
        spec.write_text(SPEC.format(name=name, tags=tags))
        subprocess.run(
            ["rpmbuild", "-bs", "--define", f"_topdir {work}", spec], check=True, capture_output=True
        )
        target.parent.mkdir(parents=True, exist_ok=True)
        return next((work / "SRPMS").glob("*.src.rpm")).rename(target)

    return make


@pytest.fixture
def config(tmp_path: Path, topurl: str) -> Config:
    return Config(
        server="http://127.0.0.1:1/kojihub",
        topurls=(topurl,),
        topdir=str(tmp_path / "topdir"),
        workdir=str(tmp_path / "tasks"),
        state_dir=tmp_path / "state",
        podman_socket=tmp_path / "podman.sock",
    )


@pytest.fixture
def manager(mocker: MockerFixture) -> Any:
    return mocker.create_autospec(ContainerManager, instance=True)


@pytest.fixture
def make_handler(config: Config, manager: Any, tmp_path: Path) -> MakeHandler:
    """A handler as the daemon makes it: `params` as the hub keeps them."""

    def make(
        cls: type[TaskHandler], task_id: int, params: list[Any], session: Any, **changes: Any
    ) -> TaskHandler:
        services = Services(
            config=changes.get("config", config),
            manager=changes.get("manager", manager),
            journal=NullJournal(),
            worker="tests",
        )
        options: Any = services.config
        method, made = bound(cls)
        handler: TaskHandler = made(task_id, method, params, session, options, str(tmp_path / "work"))
        handler.services = services
        return handler

    return make
