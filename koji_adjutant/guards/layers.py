"""A layer around the containers of an engine: hands every verb on to the layer below, as it is.

What stands between a task and its engine are such layers, each with a subject; a layer overrides the verbs that are its
business. `koji_adjutant.guards.stack` puts them together. A layer holds no container and no connection of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager

from koji_adjutant.container.interface import ContainerInfo, Containers, ContainerSpec, LogSink


class ContainersLayer:
    """`Containers` of the layer below."""

    def __init__(self, below: Containers) -> None:
        self._below = below

    def create(self, spec: ContainerSpec) -> str:
        return self._below.create(spec)

    def start(self, container: str) -> None:
        self._below.start(container)

    def start_attached(self, container: str, sink: LogSink, enough: Callable[[], bool]) -> None:
        self._below.start_attached(container, sink, enough)

    def exec(
        self,
        container: str,
        argv: Sequence[str],
        sink: LogSink,
        *,
        environment: Mapping[str, str] | None = None,
        user: str = "",
        workdir: str = "",
        stdin: bytes = b"",
        timeout: float | None = None,
    ) -> int:
        return self._below.exec(
            container,
            argv,
            sink,
            environment=environment,
            user=user,
            workdir=workdir,
            stdin=stdin,
            timeout=timeout,
        )

    def stream_logs(self, container: str, sink: LogSink) -> None:
        self._below.stream_logs(container, sink)

    def wait(self, container: str, timeout: float | None = None) -> int:
        return self._below.wait(container, timeout)

    def kill(self, container: str) -> None:
        self._below.kill(container)

    def remove(self, container: str) -> None:
        self._below.remove(container)

    def created(self, spec: ContainerSpec) -> AbstractContextManager[str]:
        return self._below.created(spec)

    def run(self, spec: ContainerSpec, sink: LogSink, *, timeout: float | None = None) -> int:
        return self._below.run(spec, sink, timeout=timeout)

    def inspect(self, container: str) -> ContainerInfo | None:
        return self._below.inspect(container)

    def find(self, labels: Mapping[str, str]) -> tuple[ContainerInfo, ...]:
        return self._below.find(labels)

    def find_unfinished(self) -> tuple[ContainerInfo, ...]:
        return self._below.find_unfinished()
