"""What holds the containers of a task in, as this engine can have it.

The seccomp profile of ours is made of the engine's own, which is read where the engine says it has it; it stands
below the cache directory, which the engine sees. An engine whose profile we cannot read keeps it. A user namespace is
for builds and installations, where a container has shown that the engine can: all of a worker have the same map, so
that they may share a root. What the engine has said is used for an hour, by all task processes, and mock_config.log
says what came of it.
"""

import json
import time
from pathlib import Path
from typing import Any

from koji_adjutant.buildroot.contained import Containment
from koji_adjutant.buildroot.seccomp import own_profile
from koji_adjutant.buildroot.user_namespace import probe, worker_map
from koji_adjutant.config import Config
from koji_adjutant.config.values import USER_NAMESPACES
from koji_adjutant.container.interface import ContainerManager, IdMap
from koji_adjutant.container.labels import Owner
from koji_adjutant.files import replace_json

DIRECTORY = "containment"
SECCOMP, USER_NAMESPACE = "seccomp.json", "user-namespace.json"
FRESH = 3600.0
READABLE = 0o644
"""The service of a rootless engine may be another user's."""


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
    id_map, reason = _user_namespace(config, manager, owner, image)
    ids = f"host ids {id_map.first} to {id_map.first + id_map.size - 1}" if id_map else f"none: {reason}"
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
        replace_json(known, theirs)
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


def _user_namespace(
    config: Config, manager: ContainerManager, owner: Owner, image: str
) -> tuple[IdMap | None, str]:
    """The map, or why there is none."""
    wanted = config.user_namespace
    if isinstance(wanted, IdMap):
        return wanted, ""
    if wanted == "no":
        return None, "user_namespace is no"
    own = worker_map(owner.worker)
    if wanted == "yes":
        return own, ""
    if config.build_mounts:
        # Files of the host would belong to nobody in it.
        return None, "build_mounts are set"
    known = _directory(config) / USER_NAMESPACE
    reason = _known(known)
    if reason is None:
        reason = probe(manager, owner, image, own)
        replace_json(known, reason)
    return (None, reason) if reason else (own, "")


def _directory(config: Config) -> Path:
    directory = config.cache_dir / DIRECTORY
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _known(path: Path) -> str | None:
    """What the engine has said within the hour."""
    try:
        if 0 <= time.time() - path.stat().st_mtime < FRESH:
            return str(json.loads(path.read_bytes()))
    except (FileNotFoundError, ValueError):
        # It is asked for the first time, or the file was cut off by a full disk.
        return None
    return None


def _write(path: Path, profile: dict[str, Any]) -> None:
    try:
        if json.loads(path.read_bytes()) == profile:
            return
    except (FileNotFoundError, ValueError):
        path.unlink(missing_ok=True)
    replace_json(path, profile, mode=READABLE)
