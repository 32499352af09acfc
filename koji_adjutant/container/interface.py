"""What the rest of the project knows of containers.

A container exists from `create` to `remove`; `created` is the context manager that ties the two together, so that no
caller can forget one. Everything that is asked for stands in a frozen `ContainerSpec`; labels are the only lasting
truth about what a container is for, and whose it is.

Errors are those of `koji_adjutant.errors`: EngineUnavailable (and EngineTimeout) when the engine cannot be reached
or overruns a limit of `Timeouts`, EngineError when it refuses, ImagePullError when an image is not available,
TaskTimeout when a command inside overruns the limit its caller gave.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import IO, Literal, Protocol

Stream = Literal["stdout", "stderr"]


class PullPolicy(StrEnum):
    """When an image reference is looked up in its registry (podman's words)."""

    ALWAYS = "always"
    MISSING = "missing"
    NEWER = "newer"
    NEVER = "never"


@dataclass(frozen=True, kw_only=True)
class VolumeMount:
    """A mount: a bind of a path as the *engine* sees it, or a tmpfs or proc of the container's own.

    A proc wants its directory to be there: not every runtime makes one.
    """

    target: str
    source: str = ""
    kind: Literal["bind", "tmpfs", "proc"] = "bind"
    read_only: bool = True
    options: tuple[str, ...] = ()
    """Further OCI mount options, e.g. rbind, rslave, nosuid, size=65536k."""


@dataclass(frozen=True, kw_only=True)
class ResourceLimits:
    """What a container may take; None leaves the engine's default, which is generous by rule 7."""

    memory_bytes: int | None = None
    cpus: float | None = None
    pids: int | None = 32768
    shm_bytes: int | None = None
    rlimits: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Soft and hard limits of each process, by what stands behind RLIMIT_ in small letters (nofile, core); -1 is none.
    What is not here is the engine's own."""
    cpu_weight: int | None = None
    """Its share of a cpu that others want too, where 1024 is a container's usual one."""
    asked: Mapping[str, str] = field(default_factory=dict)
    """Which of memory, cpus and pids somebody has asked for, and where that stands: LimitsUnavailable in an engine that
    cannot have them. Those that nobody has asked for hold where they can."""
    disk_bytes: int | None = None
    """A quota of what is written to the root, in an engine whose storage has quotas; without effect in others."""


@dataclass(frozen=True, kw_only=True)
class IdMap:
    """One contiguous map: container ids 0..size-1 are host ids first..first+size-1."""

    first: int
    size: int = 65536


@dataclass(frozen=True, kw_only=True)
class ContainerSpec:
    """A container as it is to be created. Defaults are the least privilege: no network, no capability."""

    image: str
    command: tuple[str, ...]
    labels: Mapping[str, str]
    name: str = ""
    """A name that only one container of the engine has at a time; empty: one that no other has."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """The whole environment: the image's and the engine's own variables are not added."""
    user: str = "0:0"
    host_groups: tuple[int, ...] = ()
    """Groups of the host that the user is in besides; not with an id map, which has them not. Of PID 1, and of commands
    that are given no other user."""
    workdir: str = "/"
    hostname: str = ""
    mounts: tuple[VolumeMount, ...] = ()
    network: str = "none"
    """none, host, bridge, slirp4netns, pasta, or the name of a network of the engine's."""
    capabilities: frozenset[str] = frozenset()
    """Exactly these (without CAP_); every other one is dropped."""
    no_new_privileges: bool = True
    limits: ResourceLimits = ResourceLimits()
    id_map: IdMap | None = None
    seccomp_profile: str = ""
    """Path, as the engine sees it, of a seccomp profile; empty means the engine's default."""
    masked_paths: tuple[str, ...] = ()
    image_hosts: bool = False
    """The root's own /etc/hosts and /etc/resolv.conf are left as they are."""
    label_disable: bool = False
    """Run without SELinux separation: for containers that bind paths which must not be relabelled."""
    home: str = ""
    """A directory that is made in the container where there are `files`, for its user alone; its parent is there."""
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """What is in it from the beginning, by path: small, its user's own, and in no record of the engine's."""


@dataclass(frozen=True, kw_only=True)
class ImageInfo:
    """An image in the engine's store."""

    id: str
    digest: str
    names: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    created: float = 0.0
    size: int = 0
    layers: tuple[str, ...] = ()
    """Diff ids, lowest first; of an image that was asked for by name or id."""
    architecture: str = ""
    """In Go's words (amd64); of an image that was asked for by name or id."""

    @property
    def reference(self) -> str:
        """What people know it by: its first name, or its id if it has none."""
        return self.names[0] if self.names else self.id


@dataclass(frozen=True, kw_only=True)
class ContainerInfo:
    """A container as `find` and `inspect` show it; `state` in podman's words (created, running, exited...)."""

    id: str
    state: str
    labels: Mapping[str, str]
    created: float = 0.0
    exit_code: int = 0
    oom_killed: bool = False
    name: str = ""
    """Of one that was found, as is `image`, which is a name or an id."""
    image: str = ""
    upper_dir: str = ""
    """Where the engine keeps what is written to the root, for a bind mount; empty where there is no such place."""


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """Seconds the engine is given for a request of each kind (configuration: container_timeouts)."""

    pull: float = 1800
    create: float = 60
    start: float = 60
    stop: float = 30


class LogSink(Protocol):
    """Takes the output of a command, as it comes. The only log interface of the project."""

    def write(self, stream: Stream, data: bytes) -> None:
        """Take one piece of output; must not keep a reference that grows with the output."""


class ContainerObserver(Protocol):
    """Is told of containers as they come and go; must not raise."""

    def container_created(self, container: str, labels: Mapping[str, str]) -> None:
        """`container` is there now."""

    def container_goes(self, container: str) -> None:
        """`container` is about to be removed; it may have ended, or be gone."""

    def container_removed(self, container: str) -> None:
        """`container` is gone."""


class Containers(Protocol):
    """Containers and the commands in them, by the engine's own ids."""

    def create(self, spec: ContainerSpec) -> str:
        """The id of a new container, not started. EngineError (409) when the name it asks for is taken."""

    def start(self, container: str) -> None:
        """Start a created container."""

    def start_attached(self, container: str, sink: LogSink, enough: Callable[[], bool]) -> None:
        """Start a created container; what PID 1 writes goes to `sink` until it ends or `enough` says so."""

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
        """Run a command in a running container; its exit code. Output goes to `sink` while it comes.

        TaskTimeout after `timeout` seconds; the command's processes are then killed with the container.
        """

    def stream_logs(self, container: str, sink: LogSink) -> None:
        """Everything PID 1 of the container writes, until it ends."""

    def wait(self, container: str, timeout: float | None = None) -> int:
        """The exit code of PID 1, once it has ended. TaskTimeout after `timeout` seconds."""

    def kill(self, container: str) -> None:
        """SIGKILL to PID 1, and so to all; nothing when it does not run."""

    def remove(self, container: str) -> None:
        """Kill and remove; nothing when it is gone already."""

    def created(self, spec: ContainerSpec) -> AbstractContextManager[str]:
        """A container, created and not started, removed whatever happens."""

    def run(self, spec: ContainerSpec, sink: LogSink, *, timeout: float | None = None) -> int:
        """All of it: create, start, stream, wait, remove; the exit code of PID 1."""

    def inspect(self, container: str) -> ContainerInfo | None:
        """None when there is no such container."""

    def find(self, labels: Mapping[str, str]) -> tuple[ContainerInfo, ...]:
        """Containers, in any state, that carry all of `labels`."""

    def find_unfinished(self) -> tuple[ContainerInfo, ...]:
        """Containers that the engine is making, or was when it died: they have a name, and no labels yet."""


class ContainerFiles(Protocol):
    """What goes into containers and comes out of them."""

    def copy_to(self, container: str, source: Path, target: str, *, owner: tuple[int, int] = (0, 0)) -> None:
        """Copy a file or directory of this host into directory `target` of the container, under its own name."""

    def copy_from(
        self, container: str, source: str, target: Path, *, suffix: str = "", limit: int | None = None
    ) -> tuple[Path, ...]:
        """Regular files below `source` (a file or directory) into directory `target`; what was written.

        Names come from hostile code: only plain names below `target` are ever written, links are not followed.
        Of files, those whose names end in `suffix`. ContentRefused before there are more than `limit` bytes.
        """

    def copy_across(self, container: str, directory: str, target: str, *, limit: int) -> None:
        """`directory` of a container into the same place of container `target`, whose user owns all of it there.

        EngineError when it is more than `limit` bytes; part of it is there then.
        """

    def mount_root(self, container: str) -> str:
        """Path of the container's root, valid for the engine only: bind it, never open it."""

    def export_root(self, container: str) -> AbstractContextManager[IO[bytes]]:
        """The tar stream of all of the root; the container need not have been started."""


class ImageStore(Protocol):
    """The engine's store of images, and the registries behind it."""

    def ensure_image_available(self, reference: str, policy: PullPolicy) -> ImageInfo:
        """The image for `reference`, pulled when `policy` says so. ImagePullError when it is not available."""

    def find_images(self, labels: Mapping[str, str]) -> tuple[ImageInfo, ...]:
        """Images of the store that carry all of `labels`, newest first."""

    def has_image(self, reference: str) -> bool:
        """Whether there is an image of this name: far cheaper than to inspect it."""

    def inspect_image(self, reference: str) -> ImageInfo | None:
        """The image of a name or id; None when it is not in the store."""

    def import_empty_image(self, reference: str) -> ImageInfo:
        """An image without any file, made if it is not there."""

    def remove_image(self, reference: str) -> bool:
        """Untag and remove; False when it was not there. EngineError (409) when a container uses it."""

    def load_image(self, archive: Iterable[bytes]) -> tuple[str, ...]:
        """The names of the images of a docker archive. Of layers that the engine has, it may hold anything."""

    def tag_image(self, reference: str, target: str) -> None:
        """One more name for an image; taken from the image that had it."""

    def untag_image(self, reference: str) -> None:
        """Take a name away, also when it is the last one and a container uses the image."""

    def commit(self, container: str, reference: str, labels: Mapping[str, str]) -> ImageInfo:
        """An image of the container's root under `reference`, with its labels and `labels`.

        No value has quotes, backslashes or dollars: engines differ in how they read them (podman 5 as a
        Dockerfile's, podman 4 as they are).
        """


class Engine(Protocol):
    """The engine itself, and the connection to it."""

    def storage_path(self) -> Path:
        """Where the engine keeps its storage, as the engine says; may not be a path of this machine."""

    def seccomp_profile(self) -> str:
        """Path, as the engine sees it, of the seccomp profile of its containers; empty where it has none."""

    def version(self) -> str:
        """The engine's version, in its own words: "4.3.1", "5.5.0-dev"."""

    def ping(self) -> None:
        """EngineUnavailable, with the reason, when the engine does not answer."""

    def stop_starting(self) -> None:
        """From now on nothing is begun by this manager: TaskCanceled. What there is can be killed and removed."""

    def observe(self, observer: ContainerObserver) -> None:
        """Tell `observer`, and nobody else, of the containers that this manager creates and removes from now on."""

    def close(self) -> None:
        """Drop the connection. To be called in a child after fork, before its first request."""


class ContainerManager(Containers, ContainerFiles, ImageStore, Engine, Protocol):
    """All of an engine. Who needs one part of it takes that part."""
