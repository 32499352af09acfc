"""What the daemon shows of itself: the files of `<state_dir>/public`, beside the journal all that a reader may need.

| file | what | written by |
|---|---|---|
| `monitoring.json` | `MonitoringFacts` | the main process, when it starts |
| `host.json` | `HostFacts` | the main process, when it goes to sleep and at most once a second |
| `tasks/<id>.json` | `TaskFacts` | the process of the task |
| `logs/<id>/<name>` | the logs of a task, as the hub gets them | the process of the task |
| `containers.json` | `Containers`: those of this engine with our labels, of all workers | whoever has listed them |
| `images.json` | `Images`: the buildroot images | whoever has looked at them |

Each file is replaced as a whole (logs grow), has the version of its format, and is readable for a group that may see
what a hub shows everybody, and nothing else: no password, key, token or session is ever in one. Times are seconds since
the epoch. A file of a newer version, a torn one, or none is `None` to a reader. Facts stay for as long as
`monitoring_task_history_ttl` says; the daemon removes them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from koji_adjutant.host.files import replace_json
from koji_adjutant.journal.state import ProcessName

VERSION = 1
"""Of the form of a file, in its field `v`."""
PUBLIC, MONITORING, HOST, TASKS, LOGS = "public", "monitoring.json", "host.json", "tasks", "logs"
CONTAINERS, IMAGES = "containers.json", "images.json"
GROUP = "koji-adjutant"
"""Who may read it, unless configured otherwise."""
DIRECTORY_MODE = 0o750
FILE_MODE = 0o640


@dataclass(frozen=True, kw_only=True)
class MonitoringFacts:
    """What a status server has to know of kojid.conf, which it cannot read."""

    bind: str
    """Where it listens: `host:port`, `[address]:port` or `unix:/path` (koji_adjutant.host.bind)."""
    token_sha256: str = ""
    """Of the token that clients send, in hex; empty: they need none, and `bind` is local."""
    container_history_ttl: float = 3600.0
    task_history_ttl: float = 86400.0
    group: str = GROUP
    """Of `public` and the journal: who may connect to the unix socket of `bind`."""


@dataclass(frozen=True, kw_only=True)
class DiskFacts:
    """A place that fills up. `area`: `workdir`, `storage`, `state`, `cache`, `topdir`."""

    area: str
    path: str
    free_bytes: int | None = None
    """None when it could not be looked at."""
    limit_bytes: int | None = None
    """Below this no task is taken; None when nothing depends on it."""


@dataclass(frozen=True, kw_only=True)
class CredentialFacts:
    """What the daemon logs in with. `kind`: `keytab`, `ccache`, `certificate`, `ca`, `password`."""

    kind: str
    expires: float | None = None
    """None when it does not expire, or when that cannot be known."""


@dataclass(frozen=True, kw_only=True)
class PluginFacts:
    """A plugin that could not be loaded, and the methods that it takes out."""

    name: str
    why: str
    methods: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class HostFacts:
    """The daemon and its host."""

    writer: ProcessName
    """The main process; facts of one that does not live are what was so at the end."""
    time: float
    started: float
    version: str
    name: str
    """Of the host, on the hub."""
    hub: str
    """URL, without user or password."""
    worker: str
    ready: bool
    obstacle: str = ""
    """One of `journal.state.Obstacle`."""
    reason: str = ""
    since: float = 0.0
    """Since when it is ready, or is not for this kind of reason."""
    last_poll: float | None = None
    """The last answer of the hub to a poll."""
    hub_lost_since: float | None = None
    enabled: bool = True
    arches: tuple[str, ...] = ()
    channels: tuple[str, ...] | None = None
    capacity: float = 0.0
    task_load: float = 0.0
    maxjobs: int = 0
    engine_version: str = ""
    engine_problem: str = ""
    disks: tuple[DiskFacts, ...] = ()
    credentials: tuple[CredentialFacts, ...] = ()
    plugins_failed: tuple[PluginFacts, ...] = ()
    methods: tuple[str, ...] = ()
    """That are served."""


@dataclass(frozen=True, kw_only=True)
class TaskFacts:
    """A task that this daemon has run: what its journal does not say."""

    task: int
    method: str
    label: str = ""
    """One line of text for people, as Koji's library labels tasks: `hello-1.0-1.src.rpm, x86_64`."""
    package: str = ""
    arch: str = ""
    tag: str = ""
    parent: int | None = None
    owner: str = ""
    created: float | None = None
    """When it was made on the hub; the journal's `opened` less this is how long it has waited."""
    average_seconds: float | None = None
    """What a build of this package takes on the hub's average (getAverageBuildDuration)."""
    link: str = ""
    """Its page on the hub's web pages, where those are known."""
    logs: tuple[str, ...] = ()
    """Names below `logs/<id>`."""


@dataclass(frozen=True, kw_only=True)
class ContainerFacts:
    """A container as the engine shows it."""

    id: str
    name: str
    role: str
    """One of `container.labels.Role`."""
    worker: str
    task: int | None
    image: str
    state: str
    created: float
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Ours only."""


@dataclass(frozen=True, kw_only=True)
class Containers:
    """All containers of the engine that have our labels."""

    time: float
    containers: tuple[ContainerFacts, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ImageFacts:
    """A buildroot image and its use."""

    key: str
    kind: str
    """`base` or `requires`."""
    tag: str
    arch: str
    group: str
    bytes: int
    """What it has to itself."""
    created: float
    last_used: float
    uses: int = 0


@dataclass(frozen=True, kw_only=True)
class Images:
    """The buildroot images of the host, those used last first."""

    time: float
    limit_bytes: int | None = None
    images: tuple[ImageFacts, ...] = ()


def public_directory(state_dir: Path) -> Path:
    """The directory of all this."""
    return state_dir / PUBLIC


def task_facts_file(state_dir: Path, task: int) -> Path:
    """The facts of `task`."""
    return public_directory(state_dir) / TASKS / f"{task}.json"


def logs_directory(state_dir: Path, task: int) -> Path:
    """The logs of `task`."""
    return public_directory(state_dir) / LOGS / str(task)


Facts = MonitoringFacts | HostFacts | TaskFacts | Containers | Images


def write_facts(path: Path, facts: Facts) -> None:
    """Replace a file. OSError."""
    replace_json(path, {"v": VERSION, **_plain(facts)}, mode=FILE_MODE)


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {name: _plain(content) for name, content in value.items()}
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


_F = TypeVar("_F", MonitoringFacts, HostFacts, TaskFacts, Containers, Images)
_ROWS: Mapping[str, Any] = {
    "disks": DiskFacts,
    "credentials": CredentialFacts,
    "plugins_failed": PluginFacts,
    "containers": ContainerFacts,
    "images": ImageFacts,
}


def read_facts(kind: type[_F], path: Path) -> _F | None:
    """What a file says; keys that this version does not know are passed over."""
    try:
        data = json.loads(path.read_text())
        if data["v"] != VERSION:
            return None
        return kind(**_known(kind, data))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _known(kind: Any, data: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that a file has, of their types. TypeError."""
    kinds = _types(kind)
    found = {name: _value(name, value) for name, value in data.items() if name in kinds}
    for name, value in found.items():
        if not isinstance(value, kinds[name]):
            raise TypeError(f"{name}: {value!r}")
    return found


@cache
def _types(kind: Any) -> Mapping[str, tuple[type, ...]]:
    """What the value of each field may be; a whole number is a float, too."""
    found = {}
    for name, hint in get_type_hints(kind).items():
        kinds = [
            get_origin(one) or one for one in (get_args(hint) if isinstance(hint, UnionType) else (hint,))
        ]
        found[name] = (*kinds, int) if float in kinds else tuple(kinds)
    return found


def _value(name: str, value: Any) -> Any:
    if name == "writer":
        return ProcessName(**value)
    if name in _ROWS and isinstance(value, list):
        return tuple(_ROWS[name](**_known(_ROWS[name], row)) for row in value)
    return tuple(value) if isinstance(value, list) else value
