"""The second checkout of a repository borrows from the first, and gets nothing that the server does not show it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from koji_adjutant.task_adapters.sources.mirror import Mirrors
from tests.integration.running import Build, Testbed
from tests.scm.git_repository import GitRepository, git_repository
from tests.scm.http import WebServer, web_server
from tests.scm.packages import distribution_package
from tests.waiting import eventually

pytestmark = pytest.mark.podman
SECONDS = 120


@pytest.fixture
def origin(tmp_path: Path) -> GitRepository:
    repository = git_repository(tmp_path / "git/hello.git")
    repository.commit(distribution_package("hello"))
    return repository


@pytest.fixture
def web(testbed: Testbed, tmp_path: Path, origin: GitRepository) -> Iterator[WebServer]:
    with web_server(tmp_path, testbed.engine.gateway) as server:
        yield server


def build(testbed: Testbed, web: WebServer, revision: str) -> tuple[Build, str]:
    """A build of the repository, and what the log says of its checkout."""
    done = testbed.build(f"git+{web.url}/git/hello.git#{revision}", "--scratch")
    log = testbed.output(done.task("buildSRPMFromSCM")) / "checkout.log"
    return done, log.read_text()


def test_the_second_checkout(testbed: Testbed, web: WebServer, origin: GitRepository) -> None:
    mirrors = Mirrors(config=testbed.config)
    url = f"{web.url}/git/hello.git"
    state = mirrors._path(url, "json")
    lost = origin.git("rev-parse", "main")
    first, log = build(testbed, web, "main")
    assert first.returncode == 0, f"{first.output}\n{log}"
    assert "--reference" not in log
    eventually(state.exists, "a mirror of what was checked out", seconds=SECONDS)

    # Another history: of the first, the mirror alone knows.
    newer = origin.commit({**distribution_package("hello"), "README": "2"})
    origin.git("gc", "--quiet", "--prune=now")
    second, log = build(testbed, web, "main")
    assert second.returncode == 0, f"{second.output}\n{log}"
    assert "git clone -n --reference" in log
    assert "once more without it" not in log
    result = testbed.session.getTaskResult(second.task("buildSRPMFromSCM").id)
    assert result["source"]["source"].endswith(f"#{newer}")

    refused, log = build(testbed, web, lost)
    assert refused.returncode != 0
    task = refused.task("buildSRPMFromSCM")
    assert f'Error running GIT command "git reset --hard {lost}"' in testbed.fault(task.id)
    assert not list(mirrors.directory.glob("*.new-*"))
