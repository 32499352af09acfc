"""Which paths of this daemon's the engine knows under which name, where the daemon runs in a container.

The engine itself is asked: it has made the container, and knows where its volumes, binds and its root are. The answer
is part of the configuration from then on, as `host_mount_map` would be; that option goes first.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path, PurePosixPath

from koji_adjutant.config import Config
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.errors import ConfigError, EngineUnavailable, EngineUnsuitable
from koji_adjutant.host.own_container import (
    Mount,
    is_in_container,
    mount_point,
    mounts,
    possible_ids,
    sees_peer,
)

OPTION = "host_mount_map"


def with_own_paths(config: Config) -> Config:
    """The configuration with the mounts of the container that this process runs in. ConfigError, EngineUnavailable."""
    if config.host_mount_map or not is_in_container():
        return config
    with closing(PodmanManager(str(config.podman_socket), config.container_timeouts)) as manager:

        def ask(container: str) -> Mapping[str, str] | None:
            manager.ping()
            return manager.mounts(container)

        return mapped(config, possible_ids(), ask, mounts())


def mapped(
    config: Config,
    ids: Iterable[str],
    ask: Callable[[str], Mapping[str, str] | None],
    own: Sequence[Mount],
) -> Config:
    """The configuration with what the engine says, when it is asked, of the first of the `ids` that it knows."""
    try:
        found = next((paths for one in ids if (paths := ask(one)) is not None), None)
    except EngineUnsuitable:
        raise
    except EngineUnavailable as error:
        raise EngineUnavailable(
            f"{error.message}: the engine has to say which paths of this container it has where",
            hint=f"see that it runs, or set {OPTION}",
        ) from error
    if found is None:
        if sees_peer(config.podman_socket):
            # It runs beside us, and sees what we see.
            return config
        raise ConfigError(
            f"option {OPTION} is not set, and the engine behind podman_socket {config.podman_socket} does not know "
            "the container that this daemon runs in",
            hint=f"mount the socket of the engine that runs it, or set {OPTION}",
        )
    for option, path in _needed(config):
        _check(option, path, found, own)
    pairs = tuple(sorted((ours.rstrip("/") or "/", theirs) for ours, theirs in found.items()))
    return replace(config, host_mount_map=pairs)


def _needed(config: Config) -> tuple[tuple[str, Path], ...]:
    """What containers of tasks are given of this one's directories, by the option that names each."""
    return (
        ("workdir", Path(config.workdir)),
        ("cache_dir", config.cache_dir),
        ("topdir", Path(config.topdir)),
    )


def _check(option: str, path: Path, found: Mapping[str, str], own: Sequence[Mount]) -> None:
    """That the engine can give `path` to a container."""
    point = mount_point(PurePosixPath(path.resolve()), own)
    if not any(ours.rstrip("/") == point.rstrip("/") for ours in found):
        raise ConfigError(
            f"option {option} = {str(path)!r}: what is mounted at {point} of this container is no volume of the "
            "engine's, and no other container can have it",
            hint=f"mount a volume or a directory of the host there, or set {OPTION}",
        )
