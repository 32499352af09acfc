"""ContainerManager over podman's REST service; the only module that knows the podman library.

A connection belongs to one process: it is made at the first request and made anew after a fork, so no socket
is shared. Requests may be made from several threads at once; a kill or a removal does not wait for a command.
"""

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import unquote, urlencode, urlsplit

import requests
from podman import PodmanClient
from podman.api.client import APIClient
from podman.api.uds import UDSAdapter, UDSConnection, UDSConnectionPool
from podman.errors import APIError

from koji_adjutant.container.interface import (
    ContainerInfo,
    ContainerObserver,
    ContainerSpec,
    ImageInfo,
    LogSink,
    PullPolicy,
    Timeouts,
)
from koji_adjutant.container.podman import about, archive, commands, containers
from koji_adjutant.container.podman.api import (
    Answer,
    Request,
    RequestObserver,
    ignore_request,
    new_name,
    overran,
    refused,
    root_cause,
    timed_out,
    told,
    unreachable,
)
from koji_adjutant.container.podman.images import Images
from koji_adjutant.container.podman.wire import DeadlinePassed, StreamedAnswer, connect, socket_path
from koji_adjutant.errors import AdjutantError, EngineError, TaskCanceled

log = logging.getLogger("koji.adjutant.container")


class _Connection(UDSConnection):
    """As the library's, but a socket that cannot connect is closed at once."""

    def connect(self) -> None:
        path = unquote(urlsplit(self.uds).netloc)
        self.sock = connect(path, self.timeout)


class _Pool(UDSConnectionPool):
    ConnectionCls = _Connection


class PodmanManager:
    """An engine behind a unix socket. See `ContainerManager` for what each method promises."""

    def __init__(
        self,
        socket: str,
        timeouts: Timeouts,
        registry_auth_file: str = "",
        *,
        on_request: RequestObserver = ignore_request,
    ) -> None:
        self._socket = socket_path(socket)
        self._on_request = on_request
        self._timeouts = timeouts
        self._client: PodmanClient | None = None
        self._pid = 0
        self._connecting = threading.Lock()
        self._images = Images(self, registry_auth_file)
        self._observer: ContainerObserver | None = None
        self._starts_nothing = False
        self._holds: frozenset[str] = frozenset()
        self._storage: Path | None = None

    @property
    def socket(self) -> str:
        """Path of the engine's unix socket."""
        return self._socket

    @property
    def timeouts(self) -> Timeouts:
        """Limits by kind of request."""
        return self._timeouts

    # Requests

    def call(self, request: Request) -> Answer:
        """The complete answer to `request`."""
        self._allow(request)
        with told(self._on_request, request):
            return self._call(request)

    def _call(self, request: Request) -> Answer:
        seconds = request.kind.seconds(self._timeouts)
        try:
            answer = self._send(request, seconds)
        except APIError as error:
            # The library wraps what requests raised.
            if isinstance(error.__cause__, requests.Timeout):
                raise overran(request, seconds) from error
            raise unreachable(self._socket, request, root_cause(error)) from error
        status, content = answer.status_code, answer.content
        if status >= HTTPStatus.BAD_REQUEST and status not in request.accepted:
            raise refused(request, status, content)
        return Answer(status=status, content=content, headers=answer.headers)

    def _allow(self, request: Request) -> None:
        if request.begins and self._starts_nothing:
            raise TaskCanceled(f"cannot {request.purpose}: the task is to end")

    def _send(self, request: Request, seconds: float) -> Any:
        headers = dict(request.headers or {})
        # An iterator, so that requests sends it in chunks as it comes.
        data: Any = None if request.data is None else iter(request.data)
        if request.body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(request.body).encode()
        options: dict[str, Any] = {"params": request.parameters, "headers": headers, "timeout": seconds}
        api = self._api()
        match request.method:
            case "GET":
                return api.get(request.path, **options)
            case "DELETE":
                return api.delete(request.path, **options)
            case "POST":
                return api.post(request.path, data=data, **options)
            case "PUT":
                return api.put(request.path, data=data, **options)

    @contextmanager
    def stream(self, request: Request, *, deadline: float | None = None) -> Iterator[StreamedAnswer]:
        """An answer that is read while it comes. DeadlinePassed at `deadline` (monotonic)."""
        self._allow(request)
        seconds = request.kind.seconds(self._timeouts)
        query = f"?{urlencode(request.parameters, doseq=True)}" if request.parameters else ""
        answer = StreamedAnswer(
            self._socket,
            request.method,
            request.path + query,
            timeout=None if request.patient else seconds,
            deadline=deadline,
            body=request.body,
            headers=request.headers,
        )
        with ExitStack() as stack:
            with told(self._on_request, request):
                try:
                    stack.enter_context(answer)
                except TimeoutError as error:
                    if deadline is not None and time.monotonic() >= deadline:
                        raise DeadlinePassed from error
                    raise overran(request, seconds) from error
                except (OSError, HTTPException) as error:
                    raise unreachable(self._socket, request, error) from error
                if answer.status >= HTTPStatus.BAD_REQUEST:
                    raise refused(request, answer.status, answer.read())
            yield answer

    def _api(self) -> APIClient:
        with self._connecting:
            if self._client is None or self._pid != os.getpid():
                self._client = PodmanClient(base_url=f"unix://{self._socket}")
                adapter = cast("UDSAdapter", self._client.api.get_adapter("http://"))
                assert adapter.poolmanager is not None
                adapter.poolmanager.pool_classes_by_scheme = {"http": _Pool}
                self._pid = os.getpid()
            return self._client.api

    def stop_starting(self) -> None:
        self._starts_nothing = True

    def observe(self, observer: ContainerObserver) -> None:
        self._observer = observer

    def close(self) -> None:
        """Drop the connection; the next request makes a new one."""
        with self._connecting:
            if self._client is not None and self._pid == os.getpid():
                self._client.api.close()
            self._client = None

    # Images

    def ensure_image_available(self, reference: str, policy: PullPolicy) -> ImageInfo:
        return self._images.ensure_available(reference, policy)

    def find_images(self, labels: Mapping[str, str]) -> tuple[ImageInfo, ...]:
        return self._images.find(labels)

    def has_image(self, reference: str) -> bool:
        return self._images.exists(reference)

    def inspect_image(self, reference: str) -> ImageInfo | None:
        return self._images.inspect(reference)

    def import_empty_image(self, reference: str) -> ImageInfo:
        return self._images.import_empty(reference)

    def remove_image(self, reference: str) -> bool:
        return self._images.remove(reference)

    def load_image(self, archive: Iterable[bytes]) -> tuple[str, ...]:
        return self._images.load(archive)

    def tag_image(self, reference: str, target: str) -> None:
        self._images.tag(reference, target)

    def untag_image(self, reference: str) -> None:
        self._images.untag(reference)

    def commit(self, container: str, reference: str, labels: Mapping[str, str]) -> ImageInfo:
        return self._images.commit(container, reference, labels)

    # Containers, from create to remove

    def create(self, spec: ContainerSpec) -> str:
        return self._create(spec, spec.name or new_name(spec.labels))

    def _create(self, spec: ContainerSpec, name: str, *, keep_log: bool = True) -> str:
        container = containers.create_limited(self, spec, name, keep_log=keep_log, held=self._holds)
        self._holds |= spec.limits.asked.keys()
        if self._observer is not None:
            self._observer.container_created(container, spec.labels)
        if spec.files:
            try:
                containers.put_files(self, container, spec)
            except BaseException as error:
                self._remove_after(error, container)
                raise
        return container

    def start(self, container: str) -> None:
        commands.start(self, container)

    def start_attached(self, container: str, sink: LogSink, enough: Callable[[], bool]) -> None:
        commands.run_attached(self, container, sink, deadline=None, enough=enough)

    def kill(self, container: str) -> None:
        containers.kill(self, container)

    def remove(self, container: str) -> None:
        if self._observer is not None:
            self._observer.container_goes(container)
        containers.remove(self, container)
        if self._observer is not None:
            self._observer.container_removed(container)

    def created(self, spec: ContainerSpec) -> AbstractContextManager[str]:
        return self._held(spec, keep_log=True)

    @contextmanager
    def _held(self, spec: ContainerSpec, *, keep_log: bool) -> Iterator[str]:
        # The name is known before the container is, so that nothing is lost between the two. One that the caller
        # chose may be another container's: what that one loses, a sweep finds by label.
        container = name = spec.name or new_name(spec.labels)
        try:
            container = self._create(spec, name, keep_log=keep_log)
            yield container
        except BaseException as error:
            if container != spec.name:
                self._remove_after(error, container)
            raise
        self._remove_done(container)

    def _remove_done(self, container: str) -> None:
        try:
            self.remove(container)
        except EngineError as error:
            # What was to be done in it is done. It stays in the books of whoever observes, and a sweep takes it.
            log.warning("container %s is left to the sweep: %s", container[:12], error)

    def _remove_after(self, error: BaseException, container: str) -> None:
        try:
            self.remove(container)
        except AdjutantError as second:
            error.add_note(f"and then: {second}")
            log.warning("after %r: %s", error, second)

    def run(self, spec: ContainerSpec, sink: LogSink, *, timeout: float | None = None) -> int:
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._held(spec, keep_log=False) as container:
            try:
                commands.run_attached(self, container, sink, deadline=deadline)
                return commands.exit_code_of_ended(self, container, deadline)
            except DeadlinePassed as error:
                raise timed_out(spec.command, timeout) from error
            except EngineError as error:
                if missing := containers.program_missing(self, spec, error):
                    raise missing from error
                raise

    # Commands

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
        deadline = None if timeout is None else time.monotonic() + timeout
        options = commands.exec_options(
            argv, environment=environment or {}, user=user, workdir=workdir, stdin=bool(stdin)
        )
        session = commands.create_exec(self, container, options)
        try:
            return commands.run_exec(self, session, sink, stdin=stdin, deadline=deadline)
        except DeadlinePassed as error:
            late = timed_out(argv, timeout)
            self._kill_after(late, container)
            raise late from error

    def _kill_after(self, error: BaseException, container: str) -> None:
        try:
            self.kill(container)
        except AdjutantError as second:
            error.add_note(f"and then: {second}")
            log.warning("after %r: %s", error, second)

    def stream_logs(self, container: str, sink: LogSink) -> None:
        commands.follow_log(self, container, sink)

    def wait(self, container: str, timeout: float | None = None) -> int:
        deadline = None if timeout is None else time.monotonic() + timeout
        try:
            return commands.exit_code(self, container, deadline)
        except DeadlinePassed as error:
            raise timed_out((f"container {container[:12]}",), timeout) from error

    # Files

    def copy_to(self, container: str, source: Path, target: str, *, owner: tuple[int, int] = (0, 0)) -> None:
        containers.copy_to(self, container, source, target, owner)

    def copy_from(
        self, container: str, source: str, target: Path, *, suffix: str = "", limit: int | None = None
    ) -> tuple[Path, ...]:
        with containers.open_archive(self, container, source) as stream:
            return archive.unpack(stream, target, suffix=suffix, limit=limit)

    def copy_across(self, container: str, directory: str, target: str, *, limit: int) -> None:
        with containers.open_archive(self, container, directory) as stream:
            containers.put_archive(self, target, directory, archive.handed_on(stream, limit))

    def mount_root(self, container: str) -> str:
        return containers.mount_root(self, container)

    def export_root(self, container: str) -> AbstractContextManager[IO[bytes]]:
        return containers.export_root(self, container)

    # What there is

    def inspect(self, container: str) -> ContainerInfo | None:
        return containers.inspect(self, container)

    def mounts(self, container: str) -> Mapping[str, str] | None:
        """The engine's path of what a container has from outside, by its own, and of its root; None without it."""
        return containers.mounts(self, container)

    def find(self, labels: Mapping[str, str]) -> tuple[ContainerInfo, ...]:
        return containers.find(self, labels)

    def find_unfinished(self) -> tuple[ContainerInfo, ...]:
        return containers.find_unfinished(self)

    def storage_path(self) -> Path:
        if self._storage is None:
            # It does not change while an engine runs.
            self._storage = Path(about.info(self)["store"]["graphRoot"])
        return self._storage

    def seccomp_profile(self) -> str:
        return about.seccomp_profile(self)

    def version(self) -> str:
        return about.version(self)

    def ping(self) -> None:
        about.version(self)
