"""Requests to the engine as the rest of this package makes them, and the errors they end in.

`EngineApi` is the seam between the podman library and everything else here: `podman_manager` implements it,
the modules that know images and commands use it.
"""

import json
import re
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol

from koji_adjutant.container import labels
from koji_adjutant.container.interface import Timeouts
from koji_adjutant.container.podman.wire import StreamedAnswer
from koji_adjutant.errors import (
    EngineBroken,
    EngineDamaged,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    LimitsUnavailable,
    TaskTimeout,
)

Method = Literal["GET", "POST", "PUT", "DELETE"]
Parameters = Mapping[str, str | list[str]]
NO_ROOM = ("no space left on device", "disk quota exceeded", "read-only file system", "input/output error")
"""What an engine says when its own disk is full or broken, whatever it was asked for."""
DAMAGED = re.compile(
    r"(mounting storage for container|creating container storage)\b.*no such file or directory"
    r"|stat \S+/overlay/\S+: no such file|readlink \S+/overlay: invalid argument|layer not known",
    re.IGNORECASE | re.DOTALL,
)
"""What it says when a directory of a layer is gone, or what names it is empty, as after a power failure."""
NO_CONTROLLER = re.compile(
    r"cgroup controller .?(memory|cpu|pids)\b.? is not available"
    r"|cannot set (memory|cpu|pids) limit: container could not join or create cgroup"
)
"""What crun and runc say, through podman, where a control group lacks what a limit needs."""
CONTROLLERS_HINT = (
    "take the limit away where it was set, or let the engine have the controllers: control groups v2, and Delegate=yes "
    "for the service of a user's engine"
)
CRASHED = "nil pointer dereference"
"""What podman 4.3 says of an image when its storage is full, and also when it is damaged."""


_NOUNS = {"containers": "container", "images": "image", "commit": "image-commit", "_ping": "ping"}


class Kind(StrEnum):
    """The key of container_timeouts that a request counts under."""

    PULL = "pull"
    CREATE = "create"
    START = "start"
    STOP = "stop"

    def seconds(self, timeouts: Timeouts) -> float:
        """How long a request of this kind may take."""
        return float(getattr(timeouts, self.value))


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request; `purpose` says what it is for, in the words of an error message."""

    purpose: str
    kind: Kind
    method: Method
    path: str
    parameters: Parameters | None = None
    body: Any = None
    data: Iterable[bytes] | None = None
    """A body that is not JSON: an archive, in pieces."""
    headers: Mapping[str, str] | None = None
    patient: bool = False
    """The answer begins when something has happened, however long that takes: no limit but the deadline."""
    begins: bool = False
    """Whether processes come of it, now or later: not to be made by who is to end."""
    accepted: frozenset[int] = frozenset()
    """Statuses from 300 on that are an answer, not an error."""

    @property
    def call(self) -> str:
        """What is asked for, in two words that name no object: `container-create`."""
        first, *others = self.path.partition("?")[0].strip("/").split("/")
        noun = _NOUNS.get(first, first)
        if not others:
            return noun
        if self.method == "DELETE":
            return f"{noun}-remove"
        if others[-1] == "exec":
            return "exec-create"
        if others[-1] == "archive":
            return f"{noun}-{'read' if self.method == 'GET' else 'write'}"
        if others[-1] == "json":
            return f"{noun}-{'inspect' if len(others) > 1 else 'list'}"
        return f"{noun}-{others[-1]}"


class RequestObserver(Protocol):
    """Is told of each request to the engine when it has ended; must not raise. Of an answer that streams, when it
    begins."""

    def __call__(self, call: str, seconds: float, /, *, failed: bool) -> None: ...


def ignore_request(_call: str, _seconds: float, /, *, failed: bool) -> None:
    """Nobody counts them."""


@contextmanager
def told(observer: RequestObserver, request: Request) -> Iterator[None]:
    """In this context a request is made, and failed when it is left by an exception."""
    began, failed = time.monotonic(), True
    try:
        yield
        failed = False
    finally:
        observer(request.call, time.monotonic() - began, failed=failed)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A complete answer."""

    status: int
    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    """By name, whatever the case of its letters."""

    def json(self) -> Any:
        """The content, parsed."""
        return json.loads(self.content)

    @property
    def text(self) -> str:
        """The content as one line of text, whether the engine sent it as JSON or as text."""
        return self.content.decode(errors="replace").strip().strip('"')


class EngineApi(Protocol):
    """How to talk to one engine."""

    @property
    def socket(self) -> str:
        """Path of its unix socket."""

    @property
    def timeouts(self) -> Timeouts: ...

    def call(self, request: Request) -> Answer:
        """The complete answer."""

    def stream(
        self, request: Request, *, deadline: float | None = None
    ) -> AbstractContextManager[StreamedAnswer]:
        """An answer that is read while it comes."""


def refused(request: Request, status: int, content: bytes) -> EngineError | EngineBroken:
    """The error for an answer of status 400 or above, with podman's own words."""
    try:
        words = str(json.loads(content)["message"])
    except (ValueError, KeyError, TypeError):
        words = content.decode(errors="replace").strip() or "no reason given"
    if found := NO_CONTROLLER.search(words):
        kind = next(filter(None, found.groups()))
        return LimitsUnavailable(
            f"cannot {request.purpose}: the engine cannot limit {kind}: podman says: {words}",
            hint=CONTROLLERS_HINT,
        )
    if is_out_of_room(words):
        return out_of_room(request, words)
    if CRASHED in words:
        return EngineBroken(
            f"cannot {request.purpose}: podman says: {words}; its storage is full or damaged",
            hint="look at its disk (podman system df)",
        )
    if DAMAGED.search(words):
        return EngineDamaged(
            f"cannot {request.purpose}: the engine's storage is damaged: podman says: {words}",
            hint="if it is the task image, remove it (podman rmi --force) and pull or load it again",
        )
    return EngineError(f"cannot {request.purpose}: podman says: {words} (status {status})", status=status)


def is_out_of_room(words: str) -> bool:
    """Whether an engine says that its own disk is full or broken."""
    return any(text in words.lower() for text in NO_ROOM)


def out_of_room(request: Request, words: str) -> EngineBroken:
    """The error for an engine that says so."""
    return EngineBroken(
        f"cannot {request.purpose}: the engine's storage cannot be written: podman says: {words}",
        hint="make room there: podman system df, koji-adjutant buildroots prune",
    )


def overran(request: Request, seconds: float) -> EngineTimeout:
    """The error for a request that took longer than its limit."""
    return EngineTimeout(
        f"cannot {request.purpose}: podman did not finish within {seconds:g} s",
        hint=f"see what the podman service is busy with, or raise {request.kind} in container_timeouts",
    )


def unreachable(socket: str, request: Request, reason: object) -> EngineUnavailable:
    """The error for a service that is not there, or no longer."""
    return EngineUnavailable(
        f"cannot {request.purpose}: the podman service at {socket} does not answer: {reason}",
        hint="start it (systemctl start podman.socket), or set podman_socket to the right socket",
    )


def timed_out(argv: Sequence[str], seconds: float | None) -> TaskTimeout:
    """The error for a command that ran longer than its caller allowed."""
    return TaskTimeout(f"{argv[0]} ran longer than {seconds or 0:g} s and was killed")


def root_cause(error: BaseException) -> BaseException:
    """The first of a chain of wrapped errors."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return error


def new_name(own: Mapping[str, str]) -> str:
    """A name that no other container has, for one with the labels `own`."""
    return f"{labels.names_of(own.get(labels.WORKER, ''))}{uuid.uuid4().hex}"
