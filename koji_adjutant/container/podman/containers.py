"""Requests about one container, and about all that carry some labels; each is one request to the engine."""

import io
import time
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import IO, Any

from koji_adjutant.container.interface import ContainerInfo, ContainerSpec, ImageStore, ResourceLimits
from koji_adjutant.container.podman import archive
from koji_adjutant.container.podman.api import (
    CONTROLLERS_HINT,
    Answer,
    EngineApi,
    Kind,
    Request,
    refused,
)
from koji_adjutant.container.podman.commands import unbroken
from koji_adjutant.container.podman.images import epoch, label_filter
from koji_adjutant.container.podman.spec import QUOTA, create_request
from koji_adjutant.container.podman.wire import PIECE, AnswerFile
from koji_adjutant.errors import AdjutantError, EngineError, LimitsUnavailable, ProgramMissing

NO_QUOTA = "--storage-opt is supported only"
"""How the engine refuses a quota that its storage does not have."""
MISSING = "OCI runtime attempted to invoke a command that was not found"
"""What podman says, whatever its runtime said, of a program that an image does not have."""
BUSY = b"device or resource busy"
BUSY_SECONDS = 5.0
BUSY_STEP = 0.2
LIMIT_ATTEMPTS = 3
NAME_TAKEN = "name is already in use"
IN_STORAGE = "storage"
"""What podman calls the state of a container that only its storage knows."""
SAME_STATE = {"stopped": "exited"}
"""podman 5 calls a container that has ended `stopped` until its clean-up has run, `exit_command_delay` seconds later;
podman 4 calls it `exited` from the first."""
ALIVE = frozenset({"running", "paused", "stopping"})


def create(api: EngineApi, spec: ContainerSpec, name: str, *, keep_log: bool = True) -> str:
    request = Request(
        purpose=f"create a container of image {spec.image}",
        kind=Kind.CREATE,
        method="POST",
        path="/containers/create",
        begins=True,
        body=create_request(spec, name=name, keep_log=keep_log),
    )
    try:
        return str(api.call(request).json()["Id"])
    except EngineError as error:
        if QUOTA not in request.body or NO_QUOTA not in error.message:
            raise
    without = {key: value for key, value in request.body.items() if key != QUOTA}
    return str(api.call(replace(request, body=without)).json()["Id"])


def create_limited(
    api: EngineApi, spec: ContainerSpec, name: str, *, keep_log: bool, held: AbstractSet[str]
) -> str:
    """A new container that has the limits that were asked for; those of `held` are known to hold in this engine.

    LimitsUnavailable when the engine leaves one out, as podman does without a word where it has no controllers. It has
    also been seen, on podman 4.3.1 under load, of two containers in a second, on an engine that has limited all others:
    what was made without limits goes, and is made again.
    """
    dropped: Sequence[str] = ()
    for _ in range(LIMIT_ATTEMPTS):
        container = create_named(api, spec, name, keep_log=keep_log)
        if spec.limits.asked.keys() <= held:
            return container
        try:
            dropped = dropped_limits(api, container, spec.limits)
        except BaseException:
            # It may have a name that the caller chose, by which nobody removes it.
            with suppress(AdjutantError):
                remove(api, container)
            raise
        if not dropped:
            return container
        remove(api, container)
    asked = ", ".join(f"{limit} ({spec.limits.asked[limit]})" for limit in dropped)
    raise LimitsUnavailable(f"the engine at {api.socket} cannot limit {asked}", hint=CONTROLLERS_HINT)


def dropped_limits(api: EngineApi, container: str, limits: ResourceLimits) -> Sequence[str]:
    """Which of those that were asked for a container does not have; none of one that is gone."""
    found = _look_at(api, container)
    if found is None:
        return ()
    host = found.get("HostConfig") or {}
    kept = {
        "memory": host.get("Memory"),
        "cpus": host.get("NanoCpus") or host.get("CpuQuota"),
        "pids": host.get("PidsLimit"),
    }
    return [name for name in limits.asked if not kept.get(name, True)]


def program_missing(engine: ImageStore, spec: ContainerSpec, error: EngineError) -> ProgramMissing | None:
    """Whether a container of `spec` could not be run since its image lacks the program."""
    if MISSING not in error.message:
        return None
    image = engine.inspect_image(spec.image)
    name = image.reference if image else spec.image
    return ProgramMissing(
        f"image {name} has no {spec.command[0]}, which was to run in it",
        hint="build the image from Containerfile.task, or name another (adjutant_image_policy of the tag, or "
        "task_image_default)",
    )


def create_named(api: EngineApi, spec: ContainerSpec, name: str, *, keep_log: bool = True) -> str:
    try:
        return create(api, spec, name, keep_log=keep_log)
    except EngineError as error:
        if NAME_TAKEN in error.message:
            raise EngineError(error.message, status=HTTPStatus.CONFLICT) from error
        raise


def kill(api: EngineApi, container: str) -> None:
    request = Request(
        purpose=f"kill container {container[:12]}",
        kind=Kind.STOP,
        method="POST",
        path=f"/containers/{container}/kill?signal=KILL",
        accepted=frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.INTERNAL_SERVER_ERROR}),
    )
    answer = api.call(request)
    # Only the state tells a container that has ended already from one that cannot be killed.
    if answer.status in (HTTPStatus.CONFLICT, HTTPStatus.INTERNAL_SERVER_ERROR):
        found = inspect(api, container)
        if found is not None and found.state in ALIVE:
            raise refused(request, answer.status, answer.content)


def remove(api: EngineApi, container: str) -> None:
    request = Request(
        purpose=f"remove container {container[:12]}",
        kind=Kind.STOP,
        method="DELETE",
        path=f"/containers/{container}?force=true&timeout=0&v=true",
        accepted=frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.INTERNAL_SERVER_ERROR}),
    )
    deadline = time.monotonic() + BUSY_SECONDS
    # The engine's own clean-up of an ended container may be under way, and the two trip over each other.
    while BUSY in (answer := api.call(request)).content and time.monotonic() < deadline:
        time.sleep(BUSY_STEP)
    if answer.status == HTTPStatus.INTERNAL_SERVER_ERROR and not is_gone(answer):
        raise refused(request, answer.status, answer.content)


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


def put_files(api: EngineApi, container: str, spec: ContainerSpec) -> None:
    """What a spec wants to be in its container's home from the beginning."""
    home = PurePosixPath(spec.home)
    uid, _, gid = spec.user.partition(":")
    request = Request(
        purpose=f"put {len(spec.files)} files into {home} of container {container[:12]}",
        kind=Kind.CREATE,
        method="PUT",
        path=f"/containers/{container}/archive",
        parameters={"path": str(home.parent), "copyUIDGID": "false"},
        data=archive.pack_files(home.name, spec.files, (int(uid), int(gid or uid))),
        headers={"Content-Type": "application/x-tar"},
    )
    api.call(request)


def put_archive(api: EngineApi, container: str, directory: str, pieces: Iterator[bytes]) -> None:
    request = Request(
        purpose=f"copy into {directory} of container {container[:12]}",
        kind=Kind.CREATE,
        method="PUT",
        path=f"/containers/{container}/archive",
        parameters={"path": str(PurePosixPath(directory).parent), "copyUIDGID": "true"},
        data=pieces,
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


@contextmanager
def export_root(api: EngineApi, container: str) -> Iterator[IO[bytes]]:
    request = Request(
        purpose=f"export the root of container {container[:12]}",
        kind=Kind.PULL,
        method="GET",
        path=f"/containers/{container}/export",
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


def inspect(api: EngineApi, container: str) -> ContainerInfo | None:
    found = _look_at(api, container)
    return None if found is None else inspected(found)


def mounts(api: EngineApi, container: str) -> dict[str, str] | None:
    """The engine's path of each directory that a container has from outside, and of its root; None without it."""
    found = _look_at(api, container)
    if found is None:
        return None
    root = ((found.get("GraphDriver") or {}).get("Data") or {}).get("MergedDir", "")
    outside = {mount["Destination"]: mount.get("Source", "") for mount in found.get("Mounts") or ()}
    return {ours: theirs for ours, theirs in {"/": root, **outside}.items() if theirs}


def _look_at(api: EngineApi, container: str) -> dict[str, Any] | None:
    request = Request(
        purpose=f"look at container {container[:12]}",
        kind=Kind.CREATE,
        method="GET",
        path=f"/containers/{container}/json",
        accepted=frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.INTERNAL_SERVER_ERROR}),
    )
    answer = api.call(request)
    if is_gone(answer):
        return None
    if answer.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        raise refused(request, answer.status, answer.content)
    found: dict[str, Any] = answer.json()
    return found


def is_gone(answer: Answer) -> bool:
    """Whether there is no such container; while another request removes it, podman says so with status 500."""
    return answer.status == HTTPStatus.NOT_FOUND or (
        answer.status == HTTPStatus.INTERNAL_SERVER_ERROR and b"no such container" in answer.content
    )


def find(api: EngineApi, labels: Mapping[str, str]) -> tuple[ContainerInfo, ...]:
    return _list(api, {"all": "true", "filters": label_filter(labels)})


def find_unfinished(api: EngineApi) -> tuple[ContainerInfo, ...]:
    every = _list(api, {"all": "true", "external": "true"})
    return tuple(container for container in every if container.state == IN_STORAGE)


def _list(api: EngineApi, parameters: Mapping[str, str]) -> tuple[ContainerInfo, ...]:
    request = Request(
        purpose="list containers",
        kind=Kind.CREATE,
        method="GET",
        path="/containers/json",
        parameters=dict(parameters),
    )
    return tuple(listed(container) for container in api.call(request).json() or ())


def inspected(container: dict[str, Any]) -> ContainerInfo:
    """A container as the engine shows one."""
    state = container["State"]
    return ContainerInfo(
        id=container["Id"],
        state=SAME_STATE.get(state["Status"], state["Status"]),
        labels=container["Config"].get("Labels") or {},
        created=epoch(container.get("Created", "")),
        exit_code=state.get("ExitCode", 0),
        oom_killed=bool(state.get("OOMKilled")),
        upper_dir=((container.get("GraphDriver") or {}).get("Data") or {}).get("UpperDir", ""),
    )


def listed(container: dict[str, Any]) -> ContainerInfo:
    """A container as it stands in the engine's list."""
    return ContainerInfo(
        id=container["Id"],
        state=SAME_STATE.get(container["State"], container["State"]),
        labels=container.get("Labels") or {},
        created=epoch(container.get("Created", "")),
        exit_code=container.get("ExitCode", 0),
        name=next(iter(container.get("Names") or ()), ""),
        image=container.get("Image") or container.get("ImageID") or "",
    )
