"""What podman says of itself (`/info`), in words of ours.

It costs the engine up to a second, in which it answers nobody. Keys are those of podman 4.3 to 5.8; what a release does
not say is empty.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from koji_adjutant.container.podman import about
from koji_adjutant.container.podman.api import EngineApi


@dataclass(frozen=True, kw_only=True)
class EngineInfo:
    """An engine and what it works with."""

    version: str = ""
    storage_driver: str = ""
    """overlay, btrfs, vfs..."""
    storage: str = ""
    """Where its storage is, as the engine sees it."""
    run_directory: str = ""
    runtime: str = ""
    """crun, runc..."""
    network: str = ""
    """netavark or cni; empty before podman 4.5."""
    cgroup_version: str = ""
    """v1 or v2."""
    cgroup_controllers: tuple[str, ...] = ()
    """Those that it may use; of use with v2."""
    is_rootless: bool = False
    has_selinux: bool = False
    has_seccomp: bool = False
    seccomp_profile: str = ""
    """Path, as the engine sees it."""


def ask_engine(api: EngineApi) -> EngineInfo:
    """What the engine says of itself now."""
    return engine_info(about.info(api))


def engine_info(said: Mapping[str, Any]) -> EngineInfo:
    """What an answer of `/info` says."""
    host, store = said.get("host") or {}, said.get("store") or {}
    security = host.get("security") or {}
    return EngineInfo(
        version=str((said.get("version") or {}).get("Version", "")),
        storage_driver=str(store.get("graphDriverName", "")),
        storage=str(store.get("graphRoot", "")),
        run_directory=str(store.get("runRoot", "")),
        runtime=str((host.get("ociRuntime") or {}).get("name", "")),
        network=str(host.get("networkBackend", "")),
        cgroup_version=str(host.get("cgroupVersion", "")),
        cgroup_controllers=tuple(map(str, host.get("cgroupControllers") or ())),
        is_rootless=bool(security.get("rootless")),
        has_selinux=bool(security.get("selinuxEnabled")),
        has_seccomp=bool(security.get("seccompEnabled")),
        seccomp_profile=str(security.get("seccompProfilePath", "")),
    )
