"""A checkout, the environment in which plugins run git in it, and a server with a repository."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from koji_adjutant.config import Config
from koji_adjutant.task_adapters.sources.mirror import Mirrors
from tests.scm.git_repository import GitRepository, git_repository
from tests.scm.http import WebServer, web_server
from tests.unit.task_adapters.sources.mirrored import LARGE
from tests.unit.task_adapters.sources.repositories import NOBODY, clone, commit, git, new_repository


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a branch and a tag, and a commit on no branch."""
    repository = new_repository(tmp_path_factory.mktemp("origin") / "hello")
    git(repository, "branch", "f40")
    git(repository, "tag", "v1", "-m", "v1")
    commit(repository, ".gitattributes", "*.spec filter=evil diff=evil\n")
    return repository


@pytest.fixture
def tree(origin: Path, tmp_path: Path) -> Path:
    return clone(origin, tmp_path / "scmroot" / "hello")


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in NOBODY.items():
        monkeypatch.setenv(key, value)


@pytest.fixture
def mirrors(tmp_path: Path) -> Mirrors:
    config = Config(server="http://h/kojihub", topurls=("http://h/kojifiles",), cache_dir=tmp_path / "cache")
    return Mirrors(config=config)


@pytest.fixture
def served(tmp_path: Path) -> GitRepository:
    repository = git_repository(tmp_path / "served/git/hello.git")
    repository.commit({"hello.spec": "Name: hello\n", "large": LARGE})
    return repository


@pytest.fixture
def web(tmp_path: Path, served: GitRepository) -> Iterator[WebServer]:
    with web_server(tmp_path / "served", "127.0.0.1") as server:
        yield server


@pytest.fixture
def url(web: WebServer) -> str:
    return f"{web.url}/git/hello.git"
