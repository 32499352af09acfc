"""What a mail tells of the tasks of a build: asked of the hub task by task, from the build's own downwards."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from xmlrpc.client import Fault

import koji

SRPM = ".src.rpm"
UNKNOWN = "Unknown"
"""The result of a task that has none."""


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    """A file of a task, on one of the hub's volumes."""

    name: str
    volume: str


@dataclass(frozen=True, kw_only=True)
class TaskFacts:
    """A task, what it has made, and how it ended."""

    id: int
    label: str
    """What it did, in a few words of Koji's library."""
    arch: str
    subtask: str
    """Its label among the subtasks of its parent: the directory of what it has made for a build."""
    host: str | None
    state: str
    result: Any
    logs: Sequence[StoredFile] = field(default=())
    rpms: Sequence[StoredFile] = field(default=())
    srpms: Sequence[str] = field(default=())
    others: Sequence[StoredFile] = field(default=())


def facts_of(hub: Any, task_id: int) -> Iterator[TaskFacts]:
    """A task and those below it, each before its own subtasks; none where the hub knows no such task."""
    info = hub.getTaskInfo(task_id)
    if not info:
        return
    host = hub.getHost(info["host_id"]) if info["host_id"] else None
    result = _result(hub, task_id)
    stored: Mapping[str, Sequence[str]] = hub.listTaskOutput(task_id, all_volumes=True)
    request = hub.getTaskRequest(task_id)
    yield TaskFacts(
        id=info["id"],
        label=cast("Any", koji).taskLabel({**info, "request": request}),
        arch=info["arch"],
        subtask=info["label"] or "",
        host=host["name"] if host else None,
        state=koji.TASK_STATES[info["state"]].lower(),
        result=result,
        logs=_stored(stored, (name for name in stored if name.endswith(".log"))),
        rpms=_stored(stored, (name for name in stored if name.endswith(".rpm") and not name.endswith(SRPM))),
        srpms=sorted(name for name in stored if name.endswith(SRPM)),
        others=_stored(stored, (name for name in stored if not name.endswith((".log", ".rpm")))),
    )
    for child in hub.getTaskChildren(task_id):
        yield from facts_of(hub, child["id"])


def _stored(files: Mapping[str, Sequence[str]], chosen: Iterator[str]) -> list[StoredFile]:
    found = [StoredFile(name=name, volume=volume) for name in chosen for volume in files[name]]
    return sorted(found, key=lambda file: (file.volume, file.name))


def _result(hub: Any, task_id: int) -> Any:
    try:
        result = hub.getTaskResult(task_id)
    except Fault as fault:
        result = fault.faultString.strip()
    except koji.GenericError as error:
        # That of the task, which is what the mail tells.
        result = f"{type(error).__name__}: {error}".strip()
    return result or UNKNOWN
