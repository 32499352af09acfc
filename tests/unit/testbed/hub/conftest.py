"""A hub without a server, and packages to put into it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from koji_adjutant.testbed.hub.rpc.database import Database
from tests.unit.testbed.hub.content_hub import Caller, ContentHub
from tests.unit.testbed.hub.rpm_packages import Built, PackageMaker
from tests.unit.testbed.hub.served import served

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["served"]


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[ContentHub]:
    topdir = tmp_path / "topdir"
    for part in ("packages", "repos", "scratch", "work"):
        (topdir / part).mkdir(parents=True)
    database = Database(Path(":memory:"))
    try:
        yield ContentHub(topdir=topdir, db=database)
    finally:
        database.close()


@pytest.fixture
def admin(hub: ContentHub) -> Caller:
    return hub.admin


@pytest.fixture
def builder(hub: ContentHub) -> Caller:
    return hub.host()


@pytest.fixture
def packages(tmp_path: Path) -> PackageMaker:
    return PackageMaker(directory=tmp_path / "rpmbuild")


@pytest.fixture(scope="session")
def hello(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return PackageMaker(directory=tmp_path_factory.mktemp("hello")).make()


@pytest.fixture(scope="session")
def newer_hello(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return PackageMaker(directory=tmp_path_factory.mktemp("hello2")).make(version="2.0")


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A package for one architecture."""
    return PackageMaker(directory=tmp_path_factory.mktemp("world")).make("world", arch="x86_64")
