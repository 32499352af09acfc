"""Engines that are not there, do not answer, or answer nonsense: errors that say what to do."""

import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from koji_adjutant.container.interface import PullPolicy, Timeouts
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.container.wire import socket_path
from koji_adjutant.errors import (
    AdjutantError,
    ConfigError,
    EngineBroken,
    EngineDamaged,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    ImagePullError,
)
from tests.contract.containers import Output, spec

SHORT = Timeouts(pull=0.2, create=0.2, start=0.2, stop=0.2)


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[str]:
    """A socket that takes connections and never answers."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        yield str(tmp_path / "s")


@contextmanager
def answering(path: Path, body: bytes, status: str = "200 OK", raw: bytes = b"") -> Iterator[str]:
    """A service that answers the first request of every connection, and no other."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    connections: list[socket.socket] = []

    def converse(connection: socket.socket) -> None:
        with suppress(OSError):
            if connection.recv(65536):
                connection.sendall(raw or head.encode() + body)

    def serve(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connections.append(connection)
                threading.Thread(target=converse, args=(connection,), daemon=True).start()

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        server = threading.Thread(target=serve, args=(listener,), daemon=True)
        server.start()
        yield str(path)
        listener.shutdown(socket.SHUT_RDWR)
        server.join()
    for connection in connections:
        connection.close()


def test_missing_socket_is_named_with_what_to_do(tmp_path: Path) -> None:
    path = str(tmp_path / "none.sock")
    with (
        closing(PodmanManager(path, Timeouts())) as manager,
        pytest.raises(EngineUnavailable, match=path) as raised,
    ):
        manager.ping()
    assert "No such file" in str(raised.value)
    assert "podman.socket" in raised.value.hint
    assert "podman_socket" in raised.value.hint


def test_socket_that_nobody_serves_refuses(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
    with (
        closing(PodmanManager(str(tmp_path / "s"), Timeouts())) as manager,
        pytest.raises(EngineUnavailable, match="refused"),
    ):
        manager.start("x")
    with (
        closing(PodmanManager(str(tmp_path / "s"), Timeouts())) as manager,
        pytest.raises(EngineUnavailable, match="refused"),
    ):
        manager.stream_logs("x", Output())


def test_request_that_overruns_names_its_limit(silent: str) -> None:
    with closing(PodmanManager(silent, SHORT)) as manager:
        with pytest.raises(
            EngineTimeout, match=r"cannot create a container.*0\.2 s.*create in container_timeouts"
        ):
            manager.create(spec())
        with pytest.raises(EngineTimeout, match="stop in container_timeouts"):
            manager.remove("x")
        with pytest.raises(EngineTimeout, match="start in container_timeouts"):
            manager.stream_logs("x", Output())
        with pytest.raises(EngineTimeout, match="pull in container_timeouts"):
            manager.commit("x", "localhost/x:1", {})


def test_creation_that_overruns_leaves_its_error_and_says_that_removal_failed_too(silent: str) -> None:
    with (
        closing(PodmanManager(silent, SHORT)) as manager,
        pytest.raises(EngineTimeout, match="cannot create") as raised,
        manager.created(spec()),
    ):
        raise AssertionError
    assert any("cannot remove" in note for note in raised.value.__notes__)


def test_pull_that_overruns_is_the_engine_s_fault_and_a_refused_one_the_image_s(
    silent: str, tmp_path: Path
) -> None:
    with (
        closing(PodmanManager(silent, SHORT)) as manager,
        pytest.raises(EngineTimeout, match="pull image r/x:1"),
    ):
        manager.ensure_image_available("r/x:1", PullPolicy.ALWAYS)
    with (
        answering(tmp_path / "r", b'{"message": "manifest unknown"}', "500 Sorry") as path,
        closing(PodmanManager(path, Timeouts())) as manager,
        pytest.raises(ImagePullError, match=r"r/x:1.*manifest unknown.*registry_auth_file"),
    ):
        manager.ensure_image_available("r/x:1", PullPolicy.ALWAYS)


def test_error_in_the_middle_of_a_pull_is_the_image_s(tmp_path: Path) -> None:
    body = b'{"stream": "Trying to pull"}\n{"error": "unauthorized"}\n{"stream": "bye"}\n'
    with (
        answering(tmp_path / "r", body) as path,
        closing(PodmanManager(path, Timeouts())) as manager,
        pytest.raises(ImagePullError, match=r"r/x:1 cannot be pulled \(policy always\): unauthorized"),
    ):
        manager.ensure_image_available("r/x:1", PullPolicy.ALWAYS)


def test_refusal_has_podman_s_own_words_and_its_status(tmp_path: Path) -> None:
    with (
        answering(
            tmp_path / "r", b'{"message": "no such container", "cause": "none"}', "409 Conflict"
        ) as path,
        closing(PodmanManager(path, Timeouts())) as manager,
        pytest.raises(EngineError, match=r"podman says: no such container \(status 409\)") as raised,
    ):
        manager.start("x")
    assert raised.value.status == 409


def test_what_is_no_engine_is_unavailable(tmp_path: Path) -> None:
    with (
        answering(tmp_path / "r", b"", raw=b"SSH-2.0-OpenSSH\r\n") as path,
        closing(PodmanManager(path, Timeouts())) as manager,
        pytest.raises(EngineUnavailable),
    ):
        manager.ping()


@pytest.mark.parametrize(
    "address", ["/run/p.sock", "unix:/run/p.sock", "unix:///run/p.sock", "http+unix:///run/p.sock"]
)
def test_address_of_a_unix_socket(address: str) -> None:
    assert socket_path(address) == "/run/p.sock"


@pytest.mark.parametrize("address", ["ssh://root@host/run/p.sock", "tcp://127.0.0.1:1", "p.sock", ""])
def test_other_address_is_the_operator_s_mistake(address: str) -> None:
    with pytest.raises(ConfigError, match="podman_socket"):
        socket_path(address)


def test_no_connection_is_shared_over_a_fork(tmp_path: Path) -> None:
    with answering(tmp_path / "r", b"OK") as path, closing(PodmanManager(path, SHORT)) as manager:
        manager.ping()
        child = os.fork()
        if not child:
            # Nothing more is answered on the parent's connection.
            code = 1
            try:
                manager.ping()
                code = 7
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 7


@pytest.mark.parametrize("method", ["inspect", "remove"])
def test_a_container_that_goes_while_it_is_asked_about_is_gone(tmp_path: Path, method: str) -> None:
    body = b'{"message": "container x does not exist in database: no such container"}'
    with (
        answering(tmp_path / "r", body, "500 Internal Server Error") as path,
        closing(PodmanManager(path, Timeouts())) as manager,
    ):
        assert getattr(manager, method)("x") is None


@pytest.mark.parametrize("method", ["inspect", "remove"])
def test_another_failure_is_no_answer_about_a_container(tmp_path: Path, method: str) -> None:
    with (
        answering(tmp_path / "r", b'{"message": "database is locked"}', "500 Internal Server Error") as path,
        closing(PodmanManager(path, Timeouts())) as manager,
        pytest.raises(EngineError, match="database is locked"),
    ):
        getattr(manager, method)("x")


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("write /storage/x: no space left on device", EngineBroken),
        ("runtime error: invalid memory address or nil pointer dereference", EngineBroken),
        (
            "creating container storage: creating layer: Stat /o/diff: no such file or directory",
            EngineDamaged,
        ),
        ("mounting storage for container x: recreating: open /o: no such file or directory", EngineDamaged),
        ("stat /storage/overlay/abc: no such file or directory", EngineDamaged),
        ("creating container storage: --storage-opt is supported only for overlay over xfs", EngineError),
        ('creating container storage: the container name "x" is already in use', EngineError),
        ("crun: executable file `x` not found: No such file or directory", EngineError),
    ],
)
def test_an_engine_that_is_broken_says_so(tmp_path: Path, words: str, kind: type[AdjutantError]) -> None:
    body = json.dumps({"message": words}).encode()
    with (
        answering(tmp_path / "r", body, "500 Internal Server Error") as path,
        closing(PodmanManager(path, Timeouts())) as manager,
        pytest.raises(AdjutantError) as raised,
    ):
        manager.start("x")
    assert type(raised.value) is kind
    assert words in str(raised.value)
