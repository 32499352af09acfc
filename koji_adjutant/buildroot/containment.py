"""What holds the containers of a task in, as this engine can have it.

The seccomp profile of ours is made of the engine's own, which is read where the engine says it has it; it stands
below the cache directory, which the engine sees. An engine whose profile we cannot read keeps it, and
mock_config.log says so. What the engine has said is used for an hour, by all task processes.
"""

import json
import time
from pathlib import Path
from typing import Any

from koji_adjutant.config import Config
from koji_adjutant.config.values import USER_NAMESPACES
from koji_adjutant.container.contained import Containment
from koji_adjutant.container.interface import ContainerManager
from koji_adjutant.container.seccomp import own_profile
from koji_adjutant.files import replace_json

DIRECTORY = "seccomp"
ENGINE = "engine.json"
FRESH = 3600.0
READABLE = 0o644
"""The service of a rootless engine may be another user's."""
ROW = "seccomp profile"


def containment(
    config: Config, manager: ContainerManager, privileges: frozenset[str] = frozenset()
) -> Containment:
    """What is put on the containers of a task whose builds have `privileges`."""
    directory = config.cache_dir / DIRECTORY
    directory.mkdir(parents=True, exist_ok=True)
    theirs = _profile_of_engine(directory, manager)
    if not theirs:
        return Containment(notes=((ROW, "none: the engine has no seccomp"),))
    source = config.our_path(theirs)
    is_allowed = USER_NAMESPACES in privileges
    try:
        profile = own_profile(json.loads(source.read_bytes()), user_namespaces=is_allowed)
    except (OSError, ValueError) as error:
        return Containment(notes=((ROW, f"the engine's own, because it cannot be read here: {error}"),))
    path = directory / f"{USER_NAMESPACES if is_allowed else 'build'}.json"
    _write(path, profile)
    namespaces = "as it has them" if is_allowed else "refused"
    notes = ((ROW, f"{theirs}, any personality, new user namespaces {namespaces}"),)
    return Containment(seccomp_profile=config.engine_path(path), notes=notes)


def _profile_of_engine(directory: Path, manager: ContainerManager) -> str:
    known = directory / ENGINE
    try:
        if 0 <= time.time() - known.stat().st_mtime < FRESH:
            return str(json.loads(known.read_bytes()))
    except (FileNotFoundError, ValueError):
        # It is asked for the first time, or the file was cut off by a full disk.
        known.unlink(missing_ok=True)
    path = manager.seccomp_profile()
    replace_json(known, path)
    return path


def _write(path: Path, profile: dict[str, Any]) -> None:
    try:
        if json.loads(path.read_bytes()) == profile:
            return
    except (FileNotFoundError, ValueError):
        path.unlink(missing_ok=True)
    replace_json(path, profile, mode=READABLE)
