"""What the containers of a task may take of this host and do on it: limits, privileges, network.

The configuration says what is allowed, and a build tag may ask, in its extra data, for less or for a part of it:

    adjutant.limits = {"memory": "8G", "buildArch": {"cpus": 2, "build_disk": "20G"}}
    adjutant.build_privileges = ["user_namespaces"]
    adjutant.srpm_network = no

(each as it stands or as its JSON text). Limits are for all methods, and under the name of one for it, which go first,
as in the configuration's option, `limits = memory=16G buildArch.memory=32G`. A tag never gets more than the
configuration allows. Without either nothing is limited but the number of processes.

A build has no privilege, unless its tag asks for it and the configuration allows it; an installer has what scriptlets
need, and no more. Code of a package has a network in the kinds of tasks in which kojid gives it one, and in no other.
What reads external repositories has one; it runs no code of a package. Packages of buildroots are fetched by the daemon
itself. Configuration says which network that is, and can only take it away; so can a tag, from `rpmbuild -bs` of
sources that were checked out.

Pure, but that RLIMIT_* of the configuration, which hold for each process of a container, take a hard limit that is not
given from this process, as kojid does. What a tag asks for that cannot be understood, or a privilege that this builder
does not allow, is a BuildrootFailed that quotes it: a build whose tests would be skipped without it is not made.
"""

import json
import math
import os
import resource
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from koji_adjutant.config import Config, values
from koji_adjutant.config.values import LIMITS, PRIVILEGES, limit
from koji_adjutant.container.interface import ResourceLimits, VolumeMount
from koji_adjutant.errors import BuildrootFailed, TaskFailed, TaskFault
from koji_adjutant.policy.methods import IN_CONTAINERS, OF_KOJID

LIMITS_KEY = "adjutant.limits"
BUILDER = "limits of the builder"
FILES, NO_LIMIT = "nofile", resource.RLIM_INFINITY
SIZES = frozenset({"memory", "build_disk"})
DEFAULT_PIDS = ResourceLimits().pids
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")
PRIVILEGES_KEY = "adjutant.build_privileges"
INSTALLER_CAPABILITIES = frozenset(
    {"CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "SETUID", "SETGID", "SETFCAP", "SYS_CHROOT"}
)
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
SHM_OPTIONS = ("nosuid", "nodev", "noexec", "mode=1777", "size=64000k", "notmpcopyup")
NO_NETWORK = "none"
SRPM_NETWORK_KEY = "adjutant.srpm_network"
PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")


# Limits


@dataclass(frozen=True, kw_only=True)
class TaskLimits:
    """The limits of one task; None is no limit. `origins` says who set each: where there is something to raise."""

    memory: int | None = None
    cpus: float | None = None
    pids: int | None = DEFAULT_PIDS
    build_disk: int | None = None
    """Bytes that may come into a build's root once it is complete, or with one installation."""
    build_inodes: int | None = None
    origins: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    """How a limit is called there, where it is by more than its own name."""
    rlimits: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Soft and hard limits of each process, as ResourceLimits has them."""

    @property
    def watches_disk(self) -> bool:
        """Whether a build's root is limited."""
        return self.build_disk is not None or self.build_inodes is not None

    @property
    def ncpus(self) -> int | None:
        """How many jobs a build should run at a time; None where nothing limits it."""
        return None if self.cpus is None else math.ceil(self.cpus)

    def details(self) -> dict[str, float]:
        """Those that are set, as an event has them."""
        found = {
            "memory_bytes": self.memory,
            "cpus": self.cpus,
            "pids": self.pids,
            "disk_bytes": self.build_disk,
        }
        return {name: value for name, value in found.items() if value is not None}

    def text(self, name: str) -> str:
        """One limit, as people write it."""
        value = getattr(self, name)
        if value is None:
            return "none"
        return size_text(value) if name in SIZES else f"{value:g}" if name == "cpus" else str(value)

    def hint(self, name: str) -> str:
        """What to raise."""
        return f"raise {self.keys.get(name, name)} in {self.origins.get(name, BUILDER)}"

    def rows(self) -> tuple[tuple[str, str], ...]:
        """What mock_config.log says of them."""
        return (
            *((f"limit {name}", f"{self.text(name)}{self._set_by(name)}") for name in LIMITS),
            *((f"RLIMIT_{name.upper()}", f"{soft} {hard}") for name, (soft, hard) in self.rlimits.items()),
        )

    def _set_by(self, name: str) -> str:
        if name not in self.origins:
            return ""
        key = self.keys.get(name, name)
        return f" ({self.origins[name]})" if key == name else f" ({key} in {self.origins[name]})"


def task_limits(
    config: Config, *, method: str, tag_name: str = "", tag_extra: Mapping[str, Any] | None = None
) -> TaskLimits:
    """The limits for a task of `method` with packages of this tag; BuildrootFailed when the tag's are malformed."""
    found: dict[str, Any] = {}
    origins: dict[str, str] = {}
    keys: dict[str, str] = {}
    for key in (*LIMITS, *(f"{method}.{name}" for name in LIMITS)):
        if key in config.limits:
            name = key.rpartition(".")[2]
            found[name], origins[name], keys[name] = config.limits[key], BUILDER, key
    for name, value in _of_tag((tag_extra or {}).get(LIMITS_KEY), tag_name, method).items():
        allowed = found.get(name, DEFAULT_PIDS if name == "pids" and name not in found else None)
        if value is not None and (allowed is None or value < allowed):
            found[name] = value
            origins[name], keys[name] = f"{LIMITS_KEY} of tag {tag_name}", name
    for name in LIMITS.keys() - {"cpus"}:
        if found.get(name) is not None:
            found[name] = int(found[name])
    return TaskLimits(**found, origins=origins, keys=keys, rlimits=process_limits(config))


def process_limits(config: Config) -> dict[str, tuple[int, int]]:
    """RLIMIT_* of the configuration, as ResourceLimits has them."""
    named = {
        FILES if name == "RLIMIT_OFILE" else name.removeprefix("RLIMIT_").lower(): name
        for name in config.rlimits
    }
    return {kind: soft_and_hard(name, config.rlimits[name]) for kind, name in named.items()}


def soft_and_hard(name: str, value: str) -> tuple[int, int]:
    """One RLIMIT_* option; a hard limit that is not given is the one that this process has."""
    soft, *hard = (int(word) for word in value.split())
    return soft, hard[0] if hard else resource.getrlimit(getattr(resource, name))[1]


def _of_tag(given: object, tag_name: str, method: str) -> dict[str, float | None]:
    if given is None:
        return {}
    content = _decoded(given, tag_name)
    of_kind = {kind: content.pop(kind) for kind in IN_CONTAINERS if kind in content}
    for kind, limits in of_kind.items():
        if not isinstance(limits, Mapping):
            raise _malformed(LIMITS_KEY, tag_name, given, f"{kind} is not a JSON object")
    found = {}
    # All of it is looked at, so that a mistake is not found by the tasks of one kind alone.
    for kind, limits in (("", content), *of_kind.items()):
        for name, value in limits.items():
            try:
                number = limit(str(name), str(value))
            except ValueError as error:
                raise _malformed(LIMITS_KEY, tag_name, given, str(error)) from error
            if kind in {"", method}:
                found[str(name)] = number
    return found


def _decoded(given: object, tag_name: str) -> dict[str, Any]:
    try:
        content = json.loads(given) if isinstance(given, str) else given
    except ValueError as error:
        raise _malformed(LIMITS_KEY, tag_name, given, f"it is not JSON ({error})") from error
    if not isinstance(content, Mapping):
        raise _malformed(LIMITS_KEY, tag_name, given, "it is not a JSON object")
    return dict(content)


def size_text(size: float) -> str:
    """A number of bytes for people."""
    number, unit = float(size), 0
    while number >= 1024 and unit < len(_UNITS) - 1:  # noqa: PLR2004
        number, unit = number / 1024, unit + 1
    return f"{number:.4g} {_UNITS[unit]}"


# Privileges


def build_privileges(config: Config, *, tag_name: str, tag_extra: Mapping[str, Any] | None) -> frozenset[str]:
    """The privileges of builds in this tag."""
    given = (tag_extra or {}).get(PRIVILEGES_KEY)
    if given is None:
        return frozenset()
    asked = frozenset(_parsed(given, tag_name))
    denied = sorted(asked - config.allowed_build_privileges)
    if denied:
        raise BuildrootFailed(
            f"tag {tag_name} asks for the build privilege {denied[0]}, which this builder does not allow",
            hint=f"add it to allowed_build_privileges on the builder, or remove it from {PRIVILEGES_KEY} of the tag",
        )
    return asked


def _parsed(given: object, tag_name: str) -> list[str]:
    try:
        names = json.loads(given) if isinstance(given, str) else given
    except ValueError as error:
        raise _malformed(PRIVILEGES_KEY, tag_name, given, f"it is not JSON ({error})") from error
    if not isinstance(names, list):
        raise _malformed(PRIVILEGES_KEY, tag_name, given, "it is not a JSON list")
    unknown = [name for name in names if name not in PRIVILEGES]
    if unknown:
        raise _malformed(
            PRIVILEGES_KEY, tag_name, given, f"{unknown[0]!r} is none of {', '.join(PRIVILEGES)}"
        )
    return names


def root_mounts(root: str) -> tuple[VolumeMount, ...]:
    """What scriptlets want to find below `root`. Pure.

    And shared memory of the container's own: that which an engine makes it cannot always take away again, when a
    container in a user namespace has just ended.
    """
    device_options = ("nosuid", "dev", "mode=755", "size=65536k", "notmpcopyup")
    return (
        VolumeMount(kind="proc", target=f"{root}/proc", options=("nosuid", "noexec", "nodev")),
        VolumeMount(kind="tmpfs", target=f"{root}/dev", read_only=False, options=device_options),
        VolumeMount(kind="tmpfs", target="/dev/shm", read_only=False, options=SHM_OPTIONS),  # noqa: S108
        *(
            VolumeMount(source=f"/dev/{name}", target=f"{root}/dev/{name}", read_only=False)
            for name in DEVICES
        ),
    )


# Who


def own_user(config: Config) -> str:
    """Who, inside a container, is the daemon's own user outside.

    The root of a rootless engine is the user whose engine it is: the owner of its socket.
    """
    uid, gid = os.getuid(), os.getgid()
    try:
        owner = config.podman_socket.stat().st_uid
    except OSError:
        owner = 0
    return "0:0" if uid and owner == uid else f"{uid}:{gid}"


# Network


class NetworkUse(StrEnum):
    """Why a container would want a network."""

    BUILD = "running rpmbuild"
    INSTALL = "installing packages"
    REPODATA = "reading packages of the topdir"
    SOLVE = "solving"
    EXTERNAL_REPOS = "reading external repositories"
    CHECKOUT = "checking sources out"


FETCHING: dict[NetworkUse, type[TaskFault]] = {
    NetworkUse.EXTERNAL_REPOS: TaskFailed,
    NetworkUse.CHECKOUT: TaskFailed,
}
"""The uses that get a network, and what it is called when they cannot have one."""


def network_for(use: NetworkUse, config: Config) -> str:
    """The network, in the words of ContainerSpec; a TaskFault where it is needed and denied."""
    fault = FETCHING.get(use)
    if fault is None:
        return NO_NETWORK
    if not config.network_enabled:
        raise fault(
            f"{use} needs a network, and network_enabled is off on this builder",
            hint="switch network_enabled on, or do not let this builder have such tasks",
        )
    return config.solver_network


def network_of_package_code(method: str, config: Config) -> str:
    """The network of the container in which a task of `method` runs what a package or a user brings.

    A method that the table does not know has none.
    """
    known = OF_KOJID.get(method)
    return config.solver_network if known and known.network and config.network_enabled else NO_NETWORK


def network_of_srpm(network: str, *, tag_name: str, tag_extra: Mapping[str, Any] | None) -> str:
    """The network of `rpmbuild -bs` in a task whose package code has `network`."""
    extra = tag_extra or {}
    if SRPM_NETWORK_KEY not in extra:
        return network
    said = extra[SRPM_NETWORK_KEY]
    try:
        allowed = said if isinstance(said, bool) else values.truth(said if isinstance(said, str) else "")
    except ValueError as error:
        raise _malformed(SRPM_NETWORK_KEY, tag_name, said, str(error)) from error
    return network if allowed else NO_NETWORK


def proxy_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The proxies of the daemon's environment, for a program that fetches."""
    return {name: environ[name] for proxy in PROXIES for name in (proxy, proxy.upper()) if environ.get(name)}


# What a tag asks for


def _malformed(key: str, tag_name: str, given: object, problem: str) -> BuildrootFailed:
    quoted = given if isinstance(given, str) else json.dumps(given, default=repr)
    return BuildrootFailed(
        f"{key} of tag {tag_name} cannot be used: {problem}: {quoted}",
        hint=f"correct it with koji edit-tag {tag_name} -x {key}=...",
    )
