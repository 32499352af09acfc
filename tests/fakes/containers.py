"""A ContainerManager in memory. The contract suite runs over it and over podman, so it behaves as podman does.

Commands do what a script says: an argv prefix maps to a `CommandResult`; the longest prefix that fits wins. A
command that nobody scripted ends with 127, as one that is not in the image does. `sleep` runs until killed.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import IO

from koji_adjutant.container.interface import (
    ContainerInfo,
    ContainerObserver,
    Containers,
    ContainerSpec,
    ImageInfo,
    LogSink,
    PullPolicy,
    Stream,
)
from koji_adjutant.container.podman import archive
from koji_adjutant.errors import AdjutantError, EngineError, TaskCanceled, TaskTimeout
from tests.fakes.images import FakeImages, packed

KILLED = 137
NOT_FOUND = 127
IMPATIENCE = 0.01
"""Seconds that a timeout of a command takes here, whatever it says."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command as it was run; PID 1 as well as an exec."""

    container: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    workdir: str = ""
    stdin: bytes = b""


@dataclass(frozen=True, kw_only=True)
class CommandResult:
    """What a command does."""

    exit_code: int = 0
    output: tuple[tuple[Stream, bytes], ...] = ()
    effect: Callable[["FakeContainer", Command], None] | None = None
    endless: bool = False
    """It runs until its container is killed."""


@dataclass(kw_only=True)
class FakeContainer:
    """One container; `files` maps absolute paths to contents."""

    id: str
    spec: ContainerSpec
    state: str = "created"
    created: float = 1.0
    exit_code: int = 0
    files: dict[str, bytes] = field(default_factory=dict)
    log: list[tuple[Stream, bytes]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def end(self, exit_code: int) -> None:
        """PID 1 ends, and all with it."""
        if self.state == "running":
            self.state, self.exit_code = "exited", exit_code
        self.ended.set()

    def info(self) -> ContainerInfo:
        """As the interface shows it."""
        labels, code, spec = dict(self.spec.labels), self.exit_code, self.spec
        found = ContainerInfo(id=self.id, state=self.state, labels=labels, created=self.created)
        return replace(found, exit_code=code, name=spec.name, image=spec.image)


@contextmanager
def running(manager: Containers, spec: ContainerSpec) -> Iterator[str]:
    """A container of any manager, created and started, removed whatever happens."""
    with manager.created(spec) as container:
        manager.start(container)
        yield container


class FakeContainerManager:
    """See `ContainerManager`. `specs`, `commands` and `removed` record what was asked for, in order."""

    def __init__(self, script: Mapping[tuple[str, ...], CommandResult] | None = None) -> None:
        self._script: dict[tuple[str, ...], CommandResult] = {
            ("sleep",): CommandResult(endless=True),
            ("/bin/sleep",): CommandResult(endless=True),
            **(script or {}),
        }
        self._containers: dict[str, FakeContainer] = {}
        self.images = FakeImages()
        self._failures: dict[str, AdjutantError] = {}
        self.specs: list[ContainerSpec] = []
        self.commands: list[Command] = []
        self.removed: list[str] = []
        self.unfinished: list[ContainerInfo] = []
        self.version: Callable[[], str] = lambda: "5.4.2"
        self.storage = Path("/fake/storage")
        self._observer: ContainerObserver | None = None
        self._starts_nothing = False

    # For tests

    def script(self, argv: Sequence[str], result: CommandResult) -> None:
        """What commands that begin with `argv` do from now on."""
        self._script[tuple(argv)] = result

    def fail_next(self, method: str, error: AdjutantError) -> None:
        """The next call of `method` raises `error`."""
        self._failures[method] = error

    def add_image(self, reference: str, labels: Mapping[str, str] | None = None) -> ImageInfo:
        """An image in the store."""
        return self.images.add(reference, labels or {}, {})

    def add_to_registry(self, reference: str) -> None:
        """An image that a pull finds."""
        self.images.add_to_registry(reference)

    def container(self, identifier: str) -> FakeContainer:
        """The container itself."""
        found = self._containers.get(identifier)
        if found is None:
            raise EngineError(f"no such container {identifier}", status=404)
        return found

    def _call(self, method: str) -> None:
        if error := self._failures.pop(method, None):
            raise error

    # Images

    def ensure_image_available(self, reference: str, policy: PullPolicy) -> ImageInfo:
        self._call("ensure_image_available")
        return self.images.ensure_available(reference, policy)

    def find_images(self, labels: Mapping[str, str]) -> tuple[ImageInfo, ...]:
        return self.images.with_labels(labels)

    def has_image(self, reference: str) -> bool:
        return self.images.find(reference) is not None

    def inspect_image(self, reference: str) -> ImageInfo | None:
        self._call("inspect_image")
        return self.images.find(reference)

    def import_empty_image(self, reference: str) -> ImageInfo:
        return self.images.find(reference) or self.images.add(reference, {}, {})

    def remove_image(self, reference: str) -> bool:
        self._call("remove_image")
        return self.images.remove(
            reference, [container.spec.image for container in self._containers.values()]
        )

    def load_image(self, archive: Iterable[bytes]) -> tuple[str, ...]:
        data = b"".join(archive)
        self._call("load_image")
        return self.images.load(data)

    def tag_image(self, reference: str, target: str) -> None:
        self._call("tag_image")
        self.images.tag(reference, target)

    def untag_image(self, reference: str) -> None:
        self._call("untag_image")
        self.images.untag(reference)

    def commit(self, container: str, reference: str, labels: Mapping[str, str]) -> ImageInfo:
        self._call("commit")
        source = self.container(container)
        return self.images.commit(reference, source.spec, source.files, labels)

    # Containers

    def stop_starting(self) -> None:
        self._starts_nothing = True

    def _begin(self, method: str) -> None:
        self._call(method)
        if self._starts_nothing:
            raise TaskCanceled(f"cannot {method}: the task is to end")

    def create(self, spec: ContainerSpec) -> str:
        self._begin("create")
        own = {f"{spec.home}/{name}": content for name, content in spec.files.items()}
        files = {**self.images.files(spec.image), **own}
        if spec.name and self._named(spec.name):
            raise EngineError(f"the container name {spec.name} is already in use", status=409)
        identifier = f"{next(self.images.numbers):064x}"
        self._containers[identifier] = FakeContainer(
            id=identifier,
            spec=spec,
            files=files,
        )
        self.specs.append(spec)
        if self._observer is not None:
            self._observer.container_created(identifier, spec.labels)
        return identifier

    def start(self, container: str) -> None:
        self._begin("start")
        started = self.container(container)
        if started.state == "running":
            return
        started.state = "running"
        command = Command(
            container=container, argv=started.spec.command, environment=started.spec.environment
        )
        result = self._result(command)
        started.log.extend(result.output)
        if result.effect:
            result.effect(started, command)
        if not result.endless:
            started.end(result.exit_code)

    def start_attached(self, container: str, sink: LogSink, enough: Callable[[], bool]) -> None:
        self.start(container)
        for stream, data in self.container(container).log:
            sink.write(stream, data)
            if enough():
                return

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
        self._begin("exec")
        inside = self.container(container)
        if inside.state != "running":
            raise EngineError(f"container {container} is not running", status=409)
        command = Command(
            container=container,
            argv=tuple(argv),
            environment={**inside.spec.environment, **(environment or {})},
            user=user or inside.spec.user,
            workdir=workdir or inside.spec.workdir,
            stdin=stdin,
        )
        result = self._result(command)
        for stream, data in result.output:
            sink.write(stream, data)
        if result.effect:
            result.effect(inside, command)
        if not result.endless:
            return result.exit_code
        if not inside.ended.wait(None if timeout is None else min(timeout, IMPATIENCE)):
            self.kill(container)
            raise TaskTimeout(f"{argv[0]} ran longer than {timeout:g} s and was killed")
        return KILLED

    def _result(self, command: Command) -> CommandResult:
        self.commands.append(command)
        fitting = [prefix for prefix in self._script if command.argv[: len(prefix)] == prefix]
        if not fitting:
            said = f"{command.argv[0]}: not scripted\n".encode()
            return CommandResult(exit_code=NOT_FOUND, output=(("stderr", said),))
        return self._script[max(fitting, key=len)]

    def stream_logs(self, container: str, sink: LogSink) -> None:
        source = self.container(container)
        for stream, data in source.log:
            sink.write(stream, data)
        source.ended.wait()

    def wait(self, container: str, timeout: float | None = None) -> int:
        source = self.container(container)
        if not source.ended.wait(None if timeout is None else min(timeout, IMPATIENCE)):
            raise TaskTimeout(f"container {container} ran longer than {timeout:g} s")
        return source.exit_code

    # Files

    def copy_to(self, container: str, source: Path, target: str, *, owner: tuple[int, int] = (0, 0)) -> None:
        self._call("copy_to")
        inside = self.container(container)
        paths = [source] if source.is_file() else [path for path in source.rglob("*") if path.is_file()]
        for path in paths:
            place = PurePosixPath(target) / path.relative_to(source.parent)
            inside.files[str(place)] = path.read_bytes()

    def copy_from(
        self, container: str, source: str, target: Path, *, suffix: str = "", limit: int | None = None
    ) -> tuple[Path, ...]:
        above = PurePosixPath(source).parent
        found = self._below(container, source)
        stream = packed({str(PurePosixPath(path).relative_to(above)): data for path, data in found.items()})
        return archive.unpack(stream, target, suffix=suffix, limit=limit)

    def _below(self, container: str, source: str) -> dict[str, bytes]:
        files = self.container(container).files
        found = {path: data for path, data in files.items() if PurePosixPath(path).is_relative_to(source)}
        if not found:
            raise EngineError(f"cannot read {source} of container {container}: no such file", status=404)
        return found

    def copy_across(self, container: str, directory: str, target: str, *, limit: int) -> None:
        self._call("copy_across")
        found = self._below(container, directory)
        if sum(map(len, found.values())) > limit:
            raise EngineError(f"refused to copy more than {limit} bytes from one container to another")
        self.container(target).files.update(found)

    @contextmanager
    def export_root(self, container: str) -> Iterator[IO[bytes]]:
        self._call("export_root")
        yield packed(self.container(container).files)

    def mount_root(self, container: str) -> str:
        return f"{self.storage}/{self.container(container).id}/merged"

    # What there is

    def inspect(self, container: str) -> ContainerInfo | None:
        found = self._containers.get(container) or self._named(container)
        return replace(found.info(), upper_dir=f"{self.storage}/{container}/diff") if found else None

    def _named(self, name: str) -> FakeContainer | None:
        return next((found for found in self._containers.values() if found.spec.name == name), None)

    def find(self, labels: Mapping[str, str]) -> tuple[ContainerInfo, ...]:
        every = list(self._containers.values())
        return tuple(each.info() for each in every if labels.items() <= each.spec.labels.items())

    def find_unfinished(self) -> tuple[ContainerInfo, ...]:
        return tuple(self.unfinished)

    def kill(self, container: str) -> None:
        self._call("kill")
        if found := self._containers.get(container):
            found.end(KILLED)

    def remove(self, container: str) -> None:
        self._call("remove")
        if self._observer is not None:
            self._observer.container_goes(container)
        if found := self._containers.pop(container, None):
            found.end(KILLED)
            self.removed.append(container)
        if self._observer is not None:
            self._observer.container_removed(container)

    @contextmanager
    def created(self, spec: ContainerSpec) -> Iterator[str]:
        container = self.create(spec)
        try:
            yield container
        except BaseException as error:
            try:
                self.remove(container)
            except AdjutantError as second:
                error.add_note(f"and then: {second}")
            raise
        self.remove(container)

    def run(self, spec: ContainerSpec, sink: LogSink, *, timeout: float | None = None) -> int:
        with running(self, spec) as container:
            for stream, data in self.container(container).log:
                sink.write(stream, data)
            try:
                return self.wait(container, timeout)
            except TaskTimeout as error:
                raise TaskTimeout(f"{spec.command[0]} ran longer than {timeout:g} s") from error

    def storage_path(self) -> Path:
        return self.storage

    def seccomp_profile(self) -> str:
        return ""

    def ping(self) -> None:
        self._call("ping")

    def observe(self, observer: ContainerObserver) -> None:
        self._observer = observer

    def close(self) -> None:
        """Nothing is held."""
