"""Commands in containers, and PID 1 itself: their output while it comes, and their exit code.

The stream of a command ends when the command does, or when the service dies; a lifeline tells the two apart,
so that output is never taken for complete when it is not. An exit code is read after the end of the stream.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from http import HTTPStatus
from typing import Any

from koji_adjutant.container.interface import LogSink
from koji_adjutant.container.podman.api import EngineApi, Kind, Request, unreachable
from koji_adjutant.container.podman.wire import (
    DeadlinePassed,
    FrameSplitter,
    Lifeline,
    StreamBroken,
    StreamedAnswer,
    StreamReset,
)
from koji_adjutant.errors import EngineError, EngineTimeout, EngineUnavailable, TaskInterrupted

EXIT_CODE_STEP = 0.02
EXIT_CODE_STEP_MAX = 0.5
BREAK_SECONDS = 0.2
"""Within which all connections of a service that is killed end."""
ENDED = frozenset({"exited", "stopped"})
EXIT_CODE_SECONDS = 20.0
"""How long after the end of its output a command may run on. The engine says for ever that it does when what watches
it was killed."""
NO_EXIT_CODE = "no such exit code"
"""What it says of a container whose monitor was killed."""


def exec_options(
    argv: Sequence[str], *, environment: Mapping[str, str], user: str, workdir: str, stdin: bool
) -> dict[str, Any]:
    """The body of a request for a command. Pure."""
    options: dict[str, Any] = {
        "AttachStdin": stdin,
        "AttachStdout": True,
        "AttachStderr": True,
        "Cmd": list(argv),
        "Env": [f"{key}={value}" for key, value in environment.items()],
        "User": user,
        "WorkingDir": workdir,
    }
    return {key: value for key, value in options.items() if value}


def create_exec(api: EngineApi, container: str, options: dict[str, Any]) -> str:
    """The id of a new exec session."""
    request = Request(
        purpose=f"prepare a command in container {container[:12]}",
        kind=Kind.CREATE,
        method="POST",
        path=f"/containers/{container}/exec",
        begins=True,
        body=options,
    )
    return str(api.call(request).json()["Id"])


def run_exec(api: EngineApi, session: str, sink: LogSink, *, stdin: bytes, deadline: float | None) -> int:
    """Start an exec session and pass its output on; its exit code. DeadlinePassed at the deadline."""
    request = Request(
        purpose="run a command in a container",
        kind=Kind.START,
        method="POST",
        path=f"/exec/{session}/start",
        begins=True,
        body={"Detach": False, "Tty": False},
    )
    with unbroken(api, request):
        with api.stream(request, deadline=deadline) as answer, feeding(answer, stdin):
            pump(answer, sink)
        return exec_exit_code(api, session, deadline)


@contextmanager
def unbroken(api: EngineApi, request: Request) -> Iterator[None]:
    """EngineUnavailable when the service that was there at the beginning is not there at the end."""
    with ExitStack() as stack:
        try:
            lifeline = stack.enter_context(Lifeline(api.socket, request.kind.seconds(api.timeouts)))
        except OSError as error:
            raise unreachable(api.socket, request, error) from error
        try:
            yield
        except EngineTimeout:
            raise
        except TaskInterrupted:
            raise
        except (StreamBroken, EngineUnavailable) as error:
            if lifeline.alive(BREAK_SECONDS):
                raise broken_off(request) from error
            raise lost(api, request) from error
        if not lifeline.alive():
            raise lost(api, request)


def lost(api: EngineApi, request: Request) -> EngineUnavailable:
    """The error for a stream that broke."""
    return EngineUnavailable(
        f"cannot {request.purpose}: the podman service at {api.socket} went away in the middle of it",
        hint="see why in the journal of the podman service",
    )


def broken_off(request: Request) -> TaskInterrupted:
    """The error for a stream that broke while the service is well."""
    return TaskInterrupted(
        f"cannot {request.purpose}: the podman service broke off in the middle of it",
        hint="see in the journals of this host and of the podman service whether a monitor (conmon) was killed",
    )


@contextmanager
def feeding(answer: StreamedAnswer, stdin: bytes) -> Iterator[None]:
    """Write `stdin` while the output is read: a command may do both at once and neither side may block."""
    if not stdin:
        yield
        return
    writer = threading.Thread(target=answer.send, args=(stdin,), name="stdin", daemon=True)
    writer.start()
    try:
        yield
    finally:
        answer.hang_up()
        writer.join()


def never() -> bool:
    """Until the end."""
    return False


def pump(answer: StreamedAnswer, sink: LogSink, enough: Callable[[], bool] = never) -> None:
    """Pass the frames of `answer` on until its end; StreamBroken when that is in the middle of one."""
    splitter = FrameSplitter()
    # A command that ends without reading its input gives a reset instead of an end, after all its output.
    with suppress(StreamReset):
        while piece := answer.read():
            for stream, data in splitter.feed(piece):
                sink.write(stream, data)
            if enough():
                return
    if not splitter.complete:
        raise StreamBroken


def exec_exit_code(api: EngineApi, session: str, deadline: float | None) -> int:
    """The exit code of a session. A command may close its output and run on, so this may take its time."""
    request = Request(
        purpose="learn the exit code of a command",
        kind=Kind.START,
        method="GET",
        path=f"/exec/{session}/json",
        accepted=frozenset({HTTPStatus.NOT_FOUND}),
    )
    waited, pause = 0.0, EXIT_CODE_STEP
    while (state := _exec_state(api, request))["Running"]:
        if deadline is not None and time.monotonic() > deadline:
            raise DeadlinePassed
        # An engine that answers late has learnt nothing meanwhile.
        if waited > EXIT_CODE_SECONDS:
            raise unwatched("a command")
        time.sleep(pause)
        waited += pause
        pause = min(pause * 2, EXIT_CODE_STEP_MAX)
    code = int(state["ExitCode"])
    if code < 0:
        raise unwatched("a command")
    return code


def _exec_state(api: EngineApi, request: Request) -> Any:
    answer = api.call(request)
    if answer.status == HTTPStatus.NOT_FOUND:
        # A session goes with its container, before that is gone itself.
        raise unwatched("a command")
    return answer.json()


def unwatched(what: str) -> TaskInterrupted:
    """The error for something whose end nobody will tell."""
    return TaskInterrupted(
        f"the engine does not say how {what} has ended: its container was ended from outside, its monitor (conmon) "
        "is gone, or its storage is full",
        hint="see df, and in the journal of this host who killed it",
    )


def run_attached(
    api: EngineApi,
    container: str,
    sink: LogSink,
    *,
    deadline: float | None,
    enough: Callable[[], bool] = never,
) -> None:
    """Start a created container and pass the output of its PID 1 on, from the first byte to the last or `enough`."""
    request = Request(
        purpose=f"attach to container {container[:12]}",
        kind=Kind.START,
        method="POST",
        path=f"/containers/{container}/attach?stream=true&stdout=true&stderr=true",
    )
    with unbroken(api, request), api.stream(request, deadline=deadline) as answer:
        start(api, container)
        pump(answer, sink, enough)


def start(api: EngineApi, container: str) -> None:
    """Start a container; nothing when it runs already."""
    request = Request(
        purpose=f"start container {container[:12]}",
        kind=Kind.START,
        method="POST",
        path=f"/containers/{container}/start",
        begins=True,
        accepted=frozenset({HTTPStatus.NOT_MODIFIED}),
    )
    api.call(request)


def follow_log(api: EngineApi, container: str, sink: LogSink) -> None:
    """What PID 1 has written and writes, from the engine's log, until it ends."""
    request = Request(
        purpose=f"read the output of container {container[:12]}",
        kind=Kind.START,
        method="GET",
        path=f"/containers/{container}/logs?follow=true&stdout=true&stderr=true",
    )
    with unbroken(api, request), api.stream(request) as answer:
        pump(answer, sink)


def exit_code(api: EngineApi, container: str, deadline: float | None) -> int:
    """The exit code of PID 1, once the engine has seen its end. DeadlinePassed at the deadline."""
    request = Request(
        purpose=f"wait for container {container[:12]}",
        kind=Kind.STOP,
        method="POST",
        path=f"/containers/{container}/wait?condition=stopped&condition=exited&interval=20ms",
        patient=True,
    )
    with unbroken(api, request), api.stream(request, deadline=deadline) as answer:
        said = b""
        while piece := answer.read():
            said += piece
    return int(said)


def _exit_code_at_last(api: EngineApi, container: str) -> int:
    """The exit code of one of which the engine has not said in time that it has ended: it may have hung itself."""
    request = Request(
        purpose=f"look at container {container[:12]}",
        kind=Kind.CREATE,
        method="GET",
        path=f"/containers/{container}/json",
        accepted=frozenset({HTTPStatus.NOT_FOUND}),
    )
    answer = api.call(request)
    state = answer.json()["State"] if answer.status != HTTPStatus.NOT_FOUND else {}
    if state.get("Status") not in ENDED:
        raise unwatched(f"container {container[:12]}")
    return int(state["ExitCode"])


def exit_code_of_ended(api: EngineApi, container: str, deadline: float | None) -> int:
    """The same of a PID 1 whose output has ended; TaskInterrupted when the engine does not learn of its end."""
    patience = time.monotonic() + EXIT_CODE_SECONDS
    try:
        return exit_code(api, container, patience if deadline is None else min(deadline, patience))
    except DeadlinePassed:
        if deadline is not None and deadline <= patience:
            raise
        return _exit_code_at_last(api, container)
    except EngineError as error:
        if NO_EXIT_CODE not in error.message:
            raise
        raise unwatched(f"container {container[:12]}") from error
