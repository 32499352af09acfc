"""Programs in containers: how a script is started there, where programs are looked for, what a killed one leaves; and
sinks for output that is no log of a task: what is forgotten, kept in part, or wanted twice.

A script is handed over as an argument: nothing of it is in the container, and its own arguments are never part of its
text. Sinks hold no more than their limit, whatever a program writes, and live as long as it.
"""

from koji_adjutant.container.interface import LogSink, Stream

KILLED = 137
"""Exit code of a process that SIGKILL has ended: 128 and the number of the signal, as shells and engines give it."""
USER_PATH = "/usr/bin:/bin"
"""PATH of what needs no administrator's programs."""
TOOL_PATH = "/usr/bin:/usr/sbin"
"""PATH of programs of a task image that work for tasks without any privilege."""
ROOT_PATH = "/usr/bin:/usr/sbin:/bin:/sbin"
"""PATH of what works as root, in roots whose /bin and /sbin may be directories of their own."""
KEPT = 4096


def bash(text: str, name: str, *arguments: str) -> tuple[str, ...]:
    """The command that runs the script `text` with `arguments`; `name` is what its messages call it."""
    return ("/bin/bash", "-c", text, name, *arguments)


class NullSink:
    """Forgets everything."""

    def write(self, stream: Stream, data: bytes) -> None:
        """Forget it."""


class HeadSink:
    """Keeps the beginning of what a command says on standard output, or on both streams: `data`."""

    def __init__(self, limit: int = KEPT, *, with_errors: bool = False) -> None:
        self.data = b""
        self._limit = limit
        self._with_errors = with_errors

    def write(self, stream: Stream, data: bytes) -> None:
        """Keep what is within the limit."""
        if stream == "stdout" or self._with_errors:
            self.data = (self.data + data)[: self._limit]


class TailSink:
    """Keeps the end of what a command says on both streams: `data`."""

    def __init__(self, limit: int = KEPT) -> None:
        self.data = b""
        self._limit = limit

    def write(self, stream: Stream, data: bytes) -> None:  # noqa: ARG002 - one text of both
        """Keep the last of it."""
        self.data = (self.data + data)[-self._limit :]


class TeeSink:
    """Gives everything to several sinks, the first one first: what it refuses no other gets."""

    def __init__(self, *sinks: LogSink) -> None:
        self._sinks = sinks

    def write(self, stream: Stream, data: bytes) -> None:
        """Hand one piece on."""
        for sink in self._sinks:
            sink.write(stream, data)
