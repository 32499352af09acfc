"""The image of the worker, and workers of it on the testbed's engine. At the end all is as before."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from koji_adjutant.testbed.content import HOST
from tests.integration.packages import source_package
from tests.integration.restart.running_builds import BUILD
from tests.integration.running import Testbed
from tests.integration.workers.image import WorkerImages
from tests.integration.workers.worker import UID, Worker


@pytest.fixture(scope="package")
def worker_images(testbed: Testbed, tmp_path_factory: pytest.TempPathFactory) -> WorkerImages:
    return WorkerImages.brought(testbed.engine, tmp_path_factory.mktemp("worker-images"))


@pytest.fixture(scope="package")
def worker_image(worker_images: WorkerImages, tmp_path_factory: pytest.TempPathFactory) -> str:
    return worker_images.of_this_tree(tmp_path_factory.mktemp("worker-image"))


@pytest.fixture(scope="package")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source package that builds until it is let go."""
    return source_package(tmp_path_factory.mktemp("sources"), "patient", build=BUILD)


@pytest.fixture
def group_socket(testbed: Testbed) -> Iterator[None]:
    """The engine's socket as one of systemd's with SocketGroup= is: for a group, in which the workers are."""
    socket = Path(testbed.engine.socket)
    before = socket.stat()
    os.chown(socket, -1, UID)
    socket.chmod(0o660)
    yield
    os.chown(socket, -1, before.st_gid)
    socket.chmod(before.st_mode & 0o777)


@pytest.fixture
def workers(
    testbed: Testbed, worker_image: str, group_socket: None, tmp_path: Path
) -> Iterator[tuple[Worker, Worker]]:
    """Two, which are down; the testbed's own host is disabled."""
    found = []
    for name in ("worker-one", "worker-two"):
        directory = tmp_path / name
        directory.mkdir()
        worker = Worker(name=name, testbed=testbed, directory=directory, image=worker_image)
        worker.write_files()
        found.append(worker)
    testbed.session.disableHost(HOST)
    try:
        yield found[0], found[1]
    finally:
        for worker in found:
            worker.end()
        testbed.session.enableHost(HOST)
        shutil.rmtree(tmp_path)
