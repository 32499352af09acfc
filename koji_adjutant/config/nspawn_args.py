"""What becomes of the words that a site gives systemd-nspawn through mock: each with the line that says it here. Pure.

mock has them in `config_opts['nspawn_args']`. Here no systemd-nspawn is run; most of what it is told are mounts,
limits and variables, for which there are options.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from koji_adjutant.config.options import Config
from koji_adjutant.config.site_keys import HONOURED, REPLACED, WITHOUT

VALUED = frozenset(
    {
        "--bind", "--bind-ro", "--capability", "--drop-capability", "--hostname", "--property", "--rlimit", "--setenv",
        "--tmpfs", "--overlay", "--overlay-ro", "-E", "-M", "--machine", "--slice", "-S", "--oom-score-adjust",
    }
)  # fmt: skip
"""Options whose value may be the next word."""
SOCKETS = ("/run/", "/var/run/")
NO_MOUNT = "only directories, files and sockets of this host are mounted, by build_mounts"
OTHERS: Mapping[str, tuple[str, str]] = {
    "--drop-capability": (HONOURED, "builds have no capability at all"),
    "--no-new-privileges": (HONOURED, "builds gain no privileges"),
    "--tmpfs": (WITHOUT, NO_MOUNT),
    "--overlay": (WITHOUT, NO_MOUNT),
    "--overlay-ro": (WITHOUT, NO_MOUNT),
    "--suppress-sync": (WITHOUT, "put the engine's storage on a file system that need not be synced"),
    "--private-network": (WITHOUT, "Koji decides by the kind of task"),
    "--network-veth": (WITHOUT, "Koji decides by the kind of task; solver_network names the network"),
    "--network-bridge": (WITHOUT, "Koji decides by the kind of task; solver_network names the network"),
    "--resolv-conf": (WITHOUT, "builds have mock's own resolv.conf, which is empty"),
    "--timezone": (HONOURED, "builds have this host's time zone"),
    "--private-users": (REPLACED, "by user_namespace: auto, yes, no, or FIRST:SIZE"),
    "-U": (REPLACED, "by user_namespace; add the line: user_namespace = yes"),
    "--system-call-filter": (WITHOUT, "builds have the engine's seccomp profile: docs/security.md"),
}
PROPERTIES = {"MemoryMax": "memory", "MemoryHigh": "memory", "TasksMax": "pids"}
"""Of a unit: the limit here."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One word, and what becomes of it."""

    word: str
    verdict: str
    text: str


def answers(words: Iterable[str], config: Config) -> Iterator[Answer]:
    """What becomes of each."""
    for option, value in _options(words):
        word = f"{option}={value}" if value else option
        known: Mapping[str, Callable[[str, Config], tuple[str, str]]] = {
            "--bind": _bind,
            "--bind-ro": _bind_read_only,
            "--capability": _capability,
            "--hostname": _host_name,
            "--property": _property,
            "--rlimit": _rlimit,
            "--setenv": _variable,
            "-E": _variable,
        }
        if option in known:
            verdict, text = known[option](value, config)
        else:
            verdict, text = OTHERS.get(
                option, (WITHOUT, "it is about systemd-nspawn itself, which is not run")
            )
        yield Answer(word=word, verdict=verdict, text=text)


def _options(words: Iterable[str]) -> Iterator[tuple[str, str]]:
    rest = iter(words)
    for word in rest:
        option, equals, value = word.partition("=")
        yield option, next(rest, "") if option in VALUED and not equals else value


def _bind(value: str, config: Config) -> tuple[str, str]:
    return _mount(value, config, writable=True)


def _bind_read_only(value: str, config: Config) -> tuple[str, str]:
    return _mount(value, config, writable=False)


def _mount(value: str, config: Config, *, writable: bool) -> tuple[str, str]:
    source, _, rest = value.partition(":")
    target = rest.partition(":")[0] or source
    source = source.removeprefix("-")
    target = target.removeprefix("-")
    if not (source.startswith("/") and target.startswith("/")) or "\\" in value:
        return WITHOUT, NO_MOUNT
    if source.startswith("/dev/"):
        return WITHOUT, "builds have the devices that every container has, and no other"
    return mount_answer([(source, target)], config, writable=writable)


def mount_answer(
    pairs: Iterable[tuple[str, str]], config: Config, *, writable: bool = True
) -> tuple[str, str]:
    """What becomes of mounts of a source to a target."""
    pairs = tuple(pairs)
    ours = {(mount.source, mount.target) for mount in config.build_mounts}
    if all(pair in ours for pair in pairs):
        return HONOURED, "build_mounts has it"
    mode = ":rw" if writable else ""
    line = " ".join(f"{source}:{target}{mode}" for source, target in pairs)
    hint = " (without :rw it is read-only)" if writable else ""
    if any(source.startswith(SOCKETS) for source, _ in pairs):
        hint += "; ,gid=GROUP behind it for the group that a socket there lets in"
    return REPLACED, f"by build_mounts; add the line: build_mounts = {line}{hint}"


def _capability(value: str, _: Config) -> tuple[str, str]:
    names = {name.strip().upper().removeprefix("CAP_") for name in value.split(",")}
    if names == {"IPC_LOCK"}:
        return REPLACED, "by what it is for; add to [kojid]: RLIMIT_MEMLOCK = -1 -1"
    return WITHOUT, "builds have no capability; tasks that need one (runroot) are for another host"


def _host_name(value: str, _: Config) -> tuple[str, str]:
    return REPLACED, f"by build_macros; add the line: %_buildhost {value}"


def _property(value: str, _: Config) -> tuple[str, str]:
    name, _equals, content = value.partition("=")
    if name in PROPERTIES:
        return REPLACED, f"by limits; add the line: {PROPERTIES[name]} = {content}"
    if name == "CPUQuota" and content.rstrip("%").isdecimal():
        return REPLACED, f"by limits; add the line: cpus = {int(content.rstrip('%')) / 100:g}"
    return WITHOUT, "a container is no unit of systemd; limits has memory, cpus and pids"


def _rlimit(value: str, config: Config) -> tuple[str, str]:
    name, _, content = value.partition("=")
    name = f"RLIMIT_{name.strip().upper().removeprefix('RLIMIT_')}"
    soft, _, hard = content.partition(":")
    line = " ".join("-1" if limit == "infinity" else limit for limit in (soft, hard or soft))
    if config.rlimits.get(name) == line:
        return HONOURED, f"{name} in [kojid] says it"
    return REPLACED, f"by {name}; add to [kojid]: {name} = {line}"


def _variable(value: str, config: Config) -> tuple[str, str]:
    name, equals, content = value.partition("=")
    if not equals:
        return REPLACED, f"by build_env; add the line: {name}=VALUE"
    if config.build_env.get(name) == content:
        return HONOURED, "build_env has it"
    return REPLACED, f"by build_env; add the line: {name}={content}"
