"""A topdir with packages, and a task's context without a hub."""

from collections.abc import Iterator
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from pytest_mock import MockerFixture

from koji_adjutant.config import Config
from koji_adjutant.hub.session import HubSession
from koji_adjutant.task_adapters.base import TaskContext
from tests.unit.buildroot.fake_repo import write_repo
from tests.unit.task_adapters.build_bench import BASE, FLEX, ZLIB, Bench, QuietHandler
from tests.unit.task_adapters.repos import make_package


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Small packages by name."""
    directory = tmp_path_factory.mktemp("packages")
    return {name: make_package(directory, name).read_bytes() for name in ("one", "two", "three")}


@pytest.fixture
def topdir(tmp_path: Path, packages: dict[str, bytes]) -> Path:
    """packages/NAME.rpm for each."""
    directory = tmp_path / "topdir"
    (directory / "packages").mkdir(parents=True)
    (directory / "repos").mkdir()
    for name, content in packages.items():
        (directory / "packages" / f"{name}.rpm").write_bytes(content)
    return directory


@pytest.fixture
def config(tmp_path: Path, topdir: Path) -> Config:
    return Config(
        server="http://127.0.0.1:1/kojihub",
        topurls=("http://127.0.0.1:1/kojifiles",),
        topdir=str(topdir),
        state_dir=tmp_path / "state",
        podman_socket=tmp_path / "podman.sock",
        container_labels={"site": "here"},
    )


@pytest.fixture
def ctx(tmp_path: Path, config: Config, mocker: MockerFixture) -> TaskContext:
    workdir = tmp_path / "work"
    workdir.mkdir()
    session: Any = mocker.create_autospec(HubSession, instance=True)
    return TaskContext(
        task_id=7, parameters={}, session=session, workdir=workdir, config=config, worker="tests"
    )


class Log:
    """A log in memory."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, stream: str, data: bytes) -> None:
        self.data += data


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def topurl(tmp_path: Path) -> Iterator[str]:
    """The URL of a repo of small packages."""
    write_repo(tmp_path / "web" / "repo", (*BASE, ZLIB, FLEX))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(tmp_path / "web")))
    thread = Thread(target=partial(server.serve_forever, poll_interval=0.01))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/repo"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def bench(tmp_path: Path, topurl: str) -> Iterator[Bench]:
    """A buildArch task; at the end no container of it is left."""
    made = Bench(tmp_path, topurl)
    yield made
    assert made.manager.find({}) == ()
