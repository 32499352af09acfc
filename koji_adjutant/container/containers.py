"""Requests about one container, and about all that carry some labels; each is one request to the engine."""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import quote

from koji_adjutant.container import archive
from koji_adjutant.container.api import CONFLICT, NOT_FOUND, SERVER_ERROR, EngineApi, Kind, Request, refused
from koji_adjutant.container.commands import unbroken
from koji_adjutant.container.images import label_filter
from koji_adjutant.container.interface import ContainerInfo, ContainerSpec
from koji_adjutant.container.spec import create_request
from koji_adjutant.container.states import inspected, listed
from koji_adjutant.container.wire import PIECE, AnswerFile

ALIVE = frozenset({"running", "paused", "stopping"})


def create(api: EngineApi, spec: ContainerSpec, name: str, *, keep_log: bool = True) -> str:
    request = Request(
        purpose=f"create a container of image {spec.image}",
        kind=Kind.CREATE,
        method="POST",
        path="/containers/create",
        body=create_request(spec, name=name, keep_log=keep_log),
    )
    return str(api.call(request).json()["Id"])


def kill(api: EngineApi, container: str) -> None:
    request = Request(
        purpose=f"kill container {container[:12]}",
        kind=Kind.STOP,
        method="POST",
        path=f"/containers/{container}/kill?signal=KILL",
        accepted=frozenset({NOT_FOUND, CONFLICT, SERVER_ERROR}),
    )
    answer = api.call(request)
    # Only the state tells a container that has ended already from one that cannot be killed.
    if answer.status in (CONFLICT, SERVER_ERROR):
        found = inspect(api, container)
        if found is not None and found.state in ALIVE:
            raise refused(request, answer.status, answer.content)


def remove(api: EngineApi, container: str) -> None:
    request = Request(
        purpose=f"remove container {container[:12]}",
        kind=Kind.STOP,
        method="DELETE",
        path=f"/containers/{container}?force=true&timeout=0&v=true",
        accepted=frozenset({NOT_FOUND}),
    )
    api.call(request)


def copy_to(api: EngineApi, container: str, source: Path, target: str, owner: tuple[int, int]) -> None:
    request = Request(
        purpose=f"copy {source} to {target} of container {container[:12]}",
        kind=Kind.CREATE,
        method="PUT",
        path=f"/containers/{container}/archive",
        parameters={"path": target, "copyUIDGID": "false"},
        data=archive.pack(source, owner),
        headers={"Content-Type": "application/x-tar"},
    )
    api.call(request)


@contextmanager
def open_archive(api: EngineApi, container: str, source: str) -> Iterator[IO[bytes]]:
    request = Request(
        purpose=f"read {source} of container {container[:12]}",
        kind=Kind.CREATE,
        method="GET",
        path=f"/containers/{container}/archive",
        parameters={"path": source},
    )
    with (
        unbroken(api, request),
        api.stream(request) as answer,
        io.BufferedReader(AnswerFile(answer), PIECE) as stream,
    ):
        yield stream


def mount_root(api: EngineApi, container: str) -> str:
    request = Request(
        purpose=f"mount the root of container {container[:12]}",
        kind=Kind.CREATE,
        method="POST",
        path=f"/containers/{container}/mount",
    )
    return api.call(request).text


def disconnect(api: EngineApi, container: str, network: str) -> None:
    request = Request(
        purpose=f"take container {container[:12]} off network {network}",
        kind=Kind.STOP,
        method="POST",
        path=f"/networks/{quote(network)}/disconnect",
        body={"Container": container, "Force": False},
    )
    api.call(request)


def inspect(api: EngineApi, container: str) -> ContainerInfo | None:
    request = Request(
        purpose=f"look at container {container[:12]}",
        kind=Kind.CREATE,
        method="GET",
        path=f"/containers/{container}/json",
        accepted=frozenset({NOT_FOUND}),
    )
    answer = api.call(request)
    return None if answer.status == NOT_FOUND else inspected(answer.json())


def find(api: EngineApi, labels: Mapping[str, str]) -> tuple[ContainerInfo, ...]:
    request = Request(
        purpose="list containers",
        kind=Kind.CREATE,
        method="GET",
        path="/containers/json",
        parameters={"all": "true", "filters": label_filter(labels)},
    )
    return tuple(listed(container) for container in api.call(request).json() or ())
