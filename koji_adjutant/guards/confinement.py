"""What holds code of packages in: a seccomp profile, a user namespace, and the layer that puts both on containers.

The daemon's seccomp profile is made of the engine's own, which is read where the engine says it has it; it stands
below the cache directory, which the engine sees. An engine whose profile we cannot read keeps it. Every personality may
be chosen, as in a chroot (`setarch -R`). A new user namespace may not: in one, a process has all capabilities, and so a
good part of the kernel that nobody in a container needs. `clone3` hides its flags from a filter; it is answered as by a
kernel that has none, and the C library falls back to `clone`.

A user namespace is for builds and installations, where a container has shown that the engine can: that it maps an
image's files for a container without copying them (idmapped overlay), and lets a container in the namespace have what
an installer has, a second proc, devices by bind mounts. All of a worker have the same map, so that they may share a
root.

What the engine has said is used for an hour, by all task processes, and mock_config.log says what came of it. What it
has not said (a trial took too long, or was killed) the next task asks again. The layer holds nothing of its own;
containers that run nothing of a package are left as they are.
"""

import json
import logging
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zlib import crc32

from koji_adjutant.config import Config
from koji_adjutant.config.values import USER_NAMESPACES
from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerManager, Containers, ContainerSpec, IdMap, LogSink
from koji_adjutant.container.labels import Owner, Role
from koji_adjutant.container.programs import ROOT_PATH, HeadSink, bash
from koji_adjutant.errors import EngineError, EngineTimeout, Problem, TaskTimeout
from koji_adjutant.guards.layers import ContainersLayer
from koji_adjutant.host.files import age, replace_json, stamp
from koji_adjutant.policy.containers import INSTALLER_CAPABILITIES, root_mounts

ROLES = frozenset({Role.BUILD.value, Role.INSTALLER.value, Role.IMAGE.value, Role.CHECKOUT.value})
DIRECTORY = "containment"
SECCOMP, USER_NAMESPACE = "seccomp.json", "user-namespace.json"
FRESH = 3600.0
READABLE = 0o644
"""The service of a rootless engine may be another user's."""
SCRIPT = Path(__file__).with_name("scripts") / "user_namespace.sh"
SCRIPT_TEXT = SCRIPT.read_text()
"""Read when the daemon starts: a package that is replaced meanwhile is not a running task's business."""
SECOND_PROC = "/second-proc"
FIRST_ID, SLOTS, IDS = 1 << 30, 8192, 65536
"""Host ids that no user has, and that no other program of a usual system hands out."""
TRIAL_SECONDS = 30.0
FIRST_SIGNAL = 128
"""From this exit code on a signal has ended the trial, not the engine's answer."""
CLONE_NEWUSER = 0x10000000
EPERM, ENOSYS = 1, 38
ALLOW, ERRNO = "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO"
FLAGS_SECOND = ("s390", "s390x")
"""Where the flags of clone are its second argument."""

logger = logging.getLogger("koji.adjutant.guards")


@dataclass(frozen=True, kw_only=True)
class Containment:
    """What is put on a container, and what mock_config.log says of it. Empty values are the engine's own."""

    seccomp_profile: str = ""
    """Path, as the engine sees it."""
    id_map: IdMap | None = None
    notes: tuple[tuple[str, str], ...] = ()


class ConfinedContainers(ContainersLayer):
    """Puts `containment` on every container that runs code of a package."""

    def __init__(self, below: Containers, containment: Containment) -> None:
        super().__init__(below)
        self._containment = containment

    def create(self, spec: ContainerSpec) -> str:
        return self._below.create(self._confined(spec))

    def created(self, spec: ContainerSpec) -> AbstractContextManager[str]:
        return self._below.created(self._confined(spec))

    def run(self, spec: ContainerSpec, sink: LogSink, *, timeout: float | None = None) -> int:
        return self._below.run(self._confined(spec), sink, timeout=timeout)

    def _confined(self, spec: ContainerSpec) -> ContainerSpec:
        return confined_spec(spec, self._containment) if spec.labels.get(labels.ROLE) in ROLES else spec


def confined_spec(spec: ContainerSpec, containment: Containment) -> ContainerSpec:
    """`spec` with `containment`, but for what it has of its own. Pure."""
    return replace(
        spec,
        seccomp_profile=spec.seccomp_profile or containment.seccomp_profile,
        id_map=spec.id_map or containment.id_map,
    )


# What this engine can have


def containment(
    config: Config, manager: ContainerManager, privileges: frozenset[str] = frozenset()
) -> Containment:
    """What is put on containers whose builds have `privileges`, without a user namespace."""
    profile, note = _seccomp(config, manager, USER_NAMESPACES in privileges)
    return Containment(seccomp_profile=profile, notes=(("seccomp profile", note),))


def task_containment(
    config: Config,
    manager: ContainerManager,
    *,
    owner: Owner,
    image: str,
    privileges: frozenset[str] = frozenset(),
) -> Containment:
    """What is put on the containers of a task; `image` is its task image, in which the engine is tried."""
    profile, note = _seccomp(config, manager, USER_NAMESPACES in privileges)
    found = _user_namespace(config, manager, owner, image)
    id_map = found if isinstance(found, IdMap) else None
    ids = f"host ids {id_map.first} to {id_map.first + id_map.size - 1}" if id_map else f"none: {found}"
    return Containment(
        seccomp_profile=profile, id_map=id_map, notes=(("seccomp profile", note), ("user namespace", ids))
    )


def _seccomp(config: Config, manager: ContainerManager, is_allowed: bool) -> tuple[str, str]:
    """Path of the profile, as the engine sees it, and what to say of it."""
    directory = _directory(config)
    known = directory / SECCOMP
    theirs = _known(known)
    if theirs is None:
        theirs = manager.seccomp_profile()
        _keep(known, theirs)
    if not theirs:
        return "", "none: the engine has no seccomp"
    source = config.our_path(theirs)
    try:
        profile = own_profile(json.loads(source.read_bytes()), user_namespaces=is_allowed)
    except (OSError, ValueError) as error:
        return "", f"the engine's own, because it cannot be read here: {error}"
    path = directory / f"seccomp-{USER_NAMESPACES if is_allowed else 'build'}.json"
    _write(path, profile)
    namespaces = "as it has them" if is_allowed else "refused"
    return config.engine_path(path), f"{theirs}, any personality, new user namespaces {namespaces}"


def _user_namespace(config: Config, manager: ContainerManager, owner: Owner, image: str) -> IdMap | Problem:
    """The map of the task's containers, or why there is none."""
    wanted = config.user_namespace
    if isinstance(wanted, IdMap):
        return wanted
    if wanted == "no":
        return Problem("user_namespace is no")
    own = worker_map(owner.worker)
    if wanted == "yes":
        return own
    if config.build_mounts:
        # Files of the host would belong to nobody in it.
        return Problem("build_mounts are set")
    known = _directory(config) / USER_NAMESPACE
    reason = _known(known)
    if reason is None:
        found = probe(manager, owner, image, own)
        reason = str(found.problem or "")
        if found.is_known:
            _keep(known, reason)
    return Problem(reason) if reason else own


def _directory(config: Config) -> Path:
    directory = config.cache_dir / DIRECTORY
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _known(path: Path) -> str | None:
    """What the engine has said within the hour; None when it has not, and is to be asked."""
    try:
        kept = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    seconds = age(kept)
    return str(kept.get("said", "")) if seconds is not None and seconds < FRESH else None


def _keep(path: Path, said: str) -> None:
    replace_json(path, {"said": said, **stamp()})


def _write(path: Path, profile: dict[str, Any]) -> None:
    try:
        if json.loads(path.read_bytes()) == profile:
            return
    except (FileNotFoundError, ValueError):
        # It is replaced as it is: a container that starts this moment finds one.
        pass
    replace_json(path, profile, mode=READABLE)


# The user namespace


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a trial has shown: why there is no user namespace, None when there is."""

    problem: Problem | None
    is_known: bool = True
    """Whether the engine has answered: a trial that took too long, or was killed, says nothing about the next."""


def worker_map(worker: str) -> IdMap:
    """The map of a worker, the same whenever it is asked for. Pure."""
    return IdMap(first=FIRST_ID + crc32(worker.encode()) % SLOTS * IDS, size=IDS)


def probe_spec(owner: Owner, image: str, id_map: IdMap) -> ContainerSpec:
    """A container with all that an installer has. Pure."""
    return ContainerSpec(
        image=image,
        command=bash(SCRIPT_TEXT, SCRIPT.name, str(id_map.first)),
        labels=owner.labels(Role.TOOL),
        environment={"PATH": ROOT_PATH},
        # crun mounts no /proc in a directory of an image that is not there.
        mounts=tuple(
            replace(mount, target=SECOND_PROC) if mount.kind == "proc" else mount
            for mount in root_mounts("/mnt")
        ),
        capabilities=INSTALLER_CAPABILITIES,
        id_map=id_map,
        label_disable=True,
    )


def probe(containers: Containers, owner: Owner, image: str, id_map: IdMap) -> Finding:
    """Whether containers can have the map."""
    found = try_user_namespace(containers, probe_spec(owner, image, id_map))
    logger.info("user namespace of builds from host id %d: %s", id_map.first, found.problem or "yes")
    return found


def try_user_namespace(containers: Containers, spec: ContainerSpec) -> Finding:
    """What the container of `probe_spec` has to say."""
    answer = HeadSink(with_errors=True)
    try:
        code = containers.run(spec, answer, timeout=TRIAL_SECONDS)
    except (TaskTimeout, EngineTimeout) as error:
        problem = Problem(f"it is unknown whether the engine can have a user namespace: {error}")
        return Finding(problem=problem, is_known=False)
    except EngineError as error:
        return Finding(problem=Problem(f"the engine cannot have a user namespace: {error}"))
    if code >= FIRST_SIGNAL:
        text = f"it is unknown whether the engine can have a user namespace: the trial was killed ({code})"
        return Finding(problem=Problem(text), is_known=False)
    if code == 0:
        return Finding(problem=None)
    said = " ".join(answer.data.decode(errors="replace").split()) or f"the trial ended with {code}"
    return Finding(problem=Problem(f"the engine cannot have a user namespace: {said}"))


# The seccomp profile


def own_profile(default: Any, *, user_namespaces: bool = False) -> dict[str, Any]:
    """The engine's `default` with our changes; with `user_namespaces` these are left as it has them.

    ValueError when `default` is no profile.
    """
    rules = default.get("syscalls") if isinstance(default, Mapping) else None
    if not isinstance(rules, list) or not rules:
        raise ValueError("it has no list of system calls")
    ours = [_rule(ALLOW, "personality")]
    if not user_namespaces:
        ours += _no_user_namespace()
    mine = frozenset(name for rule in ours for name in rule["names"])
    return {**default, "syscalls": [*_without(rules, mine), *ours]}


def _no_user_namespace() -> list[dict[str, Any]]:
    elsewhere, there = {"arches": list(FLAGS_SECOND)}, {"arches": list(FLAGS_SECOND)}
    return [
        _rule(ALLOW, "unshare", flags=(0, 0)),
        _rule(ERRNO, "unshare", flags=(0, CLONE_NEWUSER), errno=EPERM),
        _rule(ALLOW, "clone", flags=(0, 0), excludes=elsewhere),
        _rule(ERRNO, "clone", flags=(0, CLONE_NEWUSER), errno=EPERM, excludes=elsewhere),
        _rule(ALLOW, "clone", flags=(1, 0), includes=there),
        _rule(ERRNO, "clone", flags=(1, CLONE_NEWUSER), errno=EPERM, includes=there),
        _rule(ERRNO, "clone3", errno=ENOSYS),
    ]


def _rule(
    action: str, name: str, *, flags: tuple[int, int] | None = None, errno: int = 0, **conditions: Any
) -> dict[str, Any]:
    """A rule for one call; `flags` is the argument that has them, and what CLONE_NEWUSER is to be in it."""
    args = []
    if flags:
        index, wanted = flags
        args = [{"index": index, "value": CLONE_NEWUSER, "valueTwo": wanted, "op": "SCMP_CMP_MASKED_EQ"}]
    found = {"names": [name], "action": action, "args": args, "comment": "", "includes": {}, "excludes": {}}
    found.update(conditions)
    return {**found, "errnoRet": errno} if errno else found


def _without(rules: Iterable[Mapping[str, Any]], names: frozenset[str]) -> Iterable[dict[str, Any]]:
    for rule in rules:
        kept = [name for name in rule.get("names") or () if name not in names]
        if kept:
            yield {**rule, "names": kept}
