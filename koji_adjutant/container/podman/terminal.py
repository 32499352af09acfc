"""A container that somebody types into: its PID 1 has our terminal, or our standard input and output.

With a terminal, that is raw meanwhile and is as it was afterwards; the container's is as large as ours, also when
ours changes. Without one, PID 1 reads what we are given and ends when it does. The container is removed at the end,
whatever it is; signals that end a process have to be exceptions by then.
"""

import os
import select
import signal
import termios
import threading
import tty
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus

from koji_adjutant.container.interface import ContainerSpec, Stream
from koji_adjutant.container.podman import commands, containers
from koji_adjutant.container.podman.api import EngineApi, Kind, Request, new_name
from koji_adjutant.container.podman.spec import create_request
from koji_adjutant.container.podman.wire import StreamedAnswer, StreamReset
from koji_adjutant.errors import EngineError

PIECE = 65536
_END = b"e"


@dataclass(frozen=True, kw_only=True)
class Console:
    """Descriptors of whoever types."""

    stdin: int = 0
    stdout: int = 1
    stderr: int = 2

    @property
    def is_terminal(self) -> bool:
        """Whether there is a person at both ends."""
        return os.isatty(self.stdin) and os.isatty(self.stdout)

    def write(self, stream: Stream, data: bytes) -> None:
        """Show output: a console is a LogSink."""
        target = self.stderr if stream == "stderr" else self.stdout
        while data:
            data = data[os.write(target, data) :]


def interact(api: EngineApi, spec: ContainerSpec, console: Console) -> int:
    """Run a container of `spec` with `console` until its PID 1 ends; the exit code of that."""
    name = new_name(spec.labels)
    with ExitStack() as stack:
        # By name: an interrupt may come between the engine's answer and the next line.
        stack.callback(containers.remove, api, name)
        container = _create(api, spec, name, console)
        request = Request(
            purpose=f"attach to container {container[:12]}",
            kind=Kind.START,
            method="POST",
            # Without keys to detach by: they would be taken from what is typed.
            path=f"/containers/{container}/attach?stream=true&stdin=true&stdout=true&stderr=true&detachKeys=",
        )
        with commands.unbroken(api, request), api.stream(request) as answer, _raw(console):
            if console.is_terminal:
                resize(api, container, console)
            commands.start(api, container)
            with _typing(api, container, answer, console):
                _show(answer, console)
        return commands.exit_code(api, container, None)


def _create(api: EngineApi, spec: ContainerSpec, name: str, console: Console) -> str:
    body = create_request(spec, name=name, keep_log=False)
    request = Request(
        purpose=f"create a container of image {spec.image}",
        kind=Kind.CREATE,
        method="POST",
        path="/containers/create",
        body={**body, "stdin": True, "terminal": console.is_terminal},
    )
    return str(api.call(request).json()["Id"])


def _show(answer: StreamedAnswer, console: Console) -> None:
    if not console.is_terminal:
        commands.pump(answer, console)
        return
    with suppress(StreamReset):
        while piece := answer.read():
            console.write("stdout", piece)


@contextmanager
def _raw(console: Console) -> Iterator[None]:
    """What is typed goes to the container as it is, control characters included."""
    if not console.is_terminal:
        yield
        return
    before = termios.tcgetattr(console.stdin)
    try:
        # What was typed ahead stays.
        tty.setraw(console.stdin, termios.TCSADRAIN)
        yield
    finally:
        # One that hung up takes no settings.
        with suppress(termios.error):
            termios.tcsetattr(console.stdin, termios.TCSADRAIN, before)


@contextmanager
def _typing(api: EngineApi, container: str, answer: StreamedAnswer, console: Console) -> Iterator[None]:
    """Pass on what is typed, and the size of the terminal, while output is shown."""
    with ExitStack() as stack:
        reading, writing = os.pipe()
        stack.callback(os.close, reading)
        stack.callback(os.close, writing)
        if console.is_terminal:
            stack.enter_context(_notice_resize(writing))

        def pass_on() -> None:
            while woken := _next_input(console.stdin, reading, answer):
                if woken == _END:
                    return
                resize(api, container, console)

        thread = threading.Thread(target=pass_on, name="stdin", daemon=True)
        thread.start()
        try:
            yield
        finally:
            answer.hang_up()
            os.write(writing, _END)
            thread.join()


def _next_input(stdin: int, wake: int, answer: StreamedAnswer) -> bytes:
    """Pass input on until something is read from `wake`, and return that."""
    poller = select.poll()
    poller.register(stdin, select.POLLIN)
    poller.register(wake, select.POLLIN)
    while True:
        ready = {fd for fd, _ in poller.poll()}
        if wake in ready:
            return os.read(wake, 1)
        data = _read(stdin)
        if data:
            answer.write(data)
        else:
            answer.send(b"")
            poller.unregister(stdin)


def _read(stdin: int) -> bytes:
    try:
        return os.read(stdin, PIECE)
    except OSError:
        # A terminal that hung up.
        return b""


@contextmanager
def _notice_resize(wake: int) -> Iterator[None]:
    before = signal.signal(signal.SIGWINCH, lambda *_: os.write(wake, b"r"))
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)


def resize(api: EngineApi, container: str, console: Console) -> None:
    """Make the container's terminal as large as ours."""
    size = os.get_terminal_size(console.stdout)
    request = Request(
        purpose=f"resize the terminal of container {container[:12]}",
        kind=Kind.START,
        method="POST",
        path=f"/containers/{container}/resize?h={size.lines}&w={size.columns}",
        accepted=frozenset({HTTPStatus.NOT_FOUND}),
    )
    # One that ended this moment has no terminal any more.
    with suppress(EngineError):
        api.call(request)
