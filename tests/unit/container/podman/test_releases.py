"""Which podman is worked with: told by its version, from the header of any answer."""

from pathlib import Path

import pytest

from koji_adjutant.container.podman.releases import check_release
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.errors import EngineUnsuitable, NoPodman
from tests.unit.container.podman.sockets import SHORT, answering

SOCKET = "/run/podman/podman.sock"


@pytest.mark.parametrize("version", ["4.3.0", "4.3.1", "4.9.4-rhel", "5.4.2", "5.8.6", "5.99.0-dev"])
def test_the_releases_that_are_worked_with(version: str) -> None:
    check_release(SOCKET, version)


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("3.4.4", "podman at /run/podman/podman.sock is 3.4.4: too old; install podman 4.3 or later"),
        ("4.2.9", "is 4.2.9: too old"),
        ("6.0.0-rc1", "is 6.0.0-rc1, and nobody has tried .* install podman 4.3 to 5, or a koji-adjutant"),
        ("none", "is none: too old"),
    ],
)
def test_the_others(version: str, words: str) -> None:
    with pytest.raises(EngineUnsuitable, match=words):
        check_release(SOCKET, version)


@pytest.mark.parametrize(
    ("head", "error", "words"),
    [
        ("HTTP/1.1 404 Not Found\r\nServer: Docker/26.1.5 (linux)", NoPodman, "docker's socket.*not found"),
        ("HTTP/1.1 200 OK\r\nlibpod-api-version: 3.4.4", EngineUnsuitable, "3.4.4: too old"),
        ("HTTP/1.1 200 OK\r\nLibpod-API-Version: 7.0.0", EngineUnsuitable, "7.0.0, and nobody"),
    ],
)
def test_a_ping_tells(tmp_path: Path, head: str, error: type[Exception], words: str) -> None:
    body = b'{"message":"page not found"}'
    raw = f"{head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    with answering(tmp_path / "engine.sock", b"", raw=raw) as socket:
        manager = PodmanManager(socket, SHORT)
        with pytest.raises(error, match=words):
            manager.ping()
        manager.close()


def test_a_ping_of_one_that_is_worked_with(tmp_path: Path) -> None:
    raw = b"HTTP/1.1 200 OK\r\nLibpod-API-Version: 5.4.2\r\nContent-Length: 2\r\n\r\nOK"
    with answering(tmp_path / "engine.sock", b"", raw=raw) as socket:
        manager = PodmanManager(socket, SHORT)
        manager.ping()
        manager.close()
