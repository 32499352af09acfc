"""A ContainerSpec in the words of the engine's create request (podman's SpecGenerator). Pure.

Whatever an image or the engine's configuration would add by itself and a caller did not ask for (entry point,
environment, volumes, health check, proxies, systemd mode) is turned off here, so that a spec says all.
"""

import resource
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from koji_adjutant.container.interface import ContainerSpec, IdMap, ResourceLimits, VolumeMount

CPU_PERIOD = 100_000
UNLIMITED = 2**64 - 1
MOST_FILES, PID_MAX = 1048576, Path("/proc/sys/kernel/pid_max")
QUOTA = "storage_opts"
MODES = frozenset({"none", "host", "bridge", "slirp4netns", "pasta"})


def create_request(spec: ContainerSpec, *, name: str = "", keep_log: bool = True) -> dict[str, Any]:
    """The JSON body of the create request. Without `keep_log` the engine writes no log of PID 1."""
    request: dict[str, Any] = {
        "image": spec.image,
        "entrypoint": list(spec.command),
        "labels": dict(spec.labels),
        "env": dict(spec.environment),
        "unsetenvall": True,
        "httpproxy": False,
        "user": spec.user,
        "work_dir": spec.workdir,
        "mounts": [oci_mount(mount) for mount in spec.mounts],
        "cap_drop": ["ALL"],
        "cap_add": sorted(f"CAP_{name.upper().removeprefix('CAP_')}" for name in spec.capabilities),
        "no_new_privileges": spec.no_new_privileges,
        "image_volume_mode": "ignore",
        "healthconfig": {"Test": ["NONE"]},
        "systemd": "false",
        "stop_timeout": 0,
        "log_configuration": {"driver": "k8s-file" if keep_log else "none"},
        **network_of(spec.network),
        **limits_of(spec.limits),
    }
    optional: dict[str, Any] = {
        "name": name,
        "hostname": spec.hostname,
        "mask": list(spec.masked_paths),
        "seccomp_profile_path": spec.seccomp_profile,
        "use_image_hosts": spec.image_hosts,
        "use_image_resolve_conf": spec.image_hosts,
        "selinux_opts": ["disable"] if spec.label_disable else [],
        "groups": [str(group) for group in spec.host_groups],
        **(id_map_of(spec.id_map) if spec.id_map else {}),
    }
    request.update({key: value for key, value in optional.items() if value})
    return request


def oci_mount(mount: VolumeMount) -> dict[str, Any]:
    """One mount as the runtime takes it. A bind is recursive unless its options say otherwise."""
    options = [*mount.options, "ro" if mount.read_only else "rw"]
    if mount.kind == "bind" and not {"bind", "rbind"} & set(mount.options):
        options.insert(0, "rbind")
    source = mount.source if mount.kind == "bind" else mount.kind
    return {"type": mount.kind, "source": source, "destination": mount.target, "options": options}


def network_of(network: str) -> dict[str, Any]:
    """The network namespace; every name that is not a mode is a network of the engine's."""
    if network in MODES:
        return {"netns": {"nsmode": network}}
    return {"netns": {"nsmode": "bridge"}, "networks": {network: {}}}


def limits_of(limits: ResourceLimits) -> dict[str, Any]:
    """Cgroup limits, rlimits, the size of /dev/shm and of the root."""
    resources: dict[str, Any] = {}
    if limits.memory_bytes is not None:
        resources["memory"] = {"limit": limits.memory_bytes, "swap": limits.memory_bytes}
    if limits.pids is not None:
        resources["pids"] = {"limit": limits.pids}
    if limits.cpus is not None:
        resources["cpu"] = {"quota": int(limits.cpus * CPU_PERIOD), "period": CPU_PERIOD}
    if limits.cpu_weight is not None:
        resources.setdefault("cpu", {})["shares"] = limits.cpu_weight
    found: dict[str, Any] = {"resource_limits": resources} if resources else {}
    if limits.shm_bytes is not None:
        found["shm_size"] = limits.shm_bytes
    if limits.rlimits:
        found["r_limits"] = rlimits_of(limits)
    if limits.disk_bytes is not None:
        found[QUOTA] = {"size": str(limits.disk_bytes)}
    return found


def rlimits_of(limits: ResourceLimits) -> list[Mapping[str, Any]]:
    """With those of files and processes, always: for one that is missing the engine asks for more than it may have
    (1048576). Not above what there can be: the engine has lowered its own to that, and cannot raise them everywhere."""
    wanted = {
        "nofile": _own(resource.RLIMIT_NOFILE, MOST_FILES),
        "nproc": _own(resource.RLIMIT_NPROC, int(PID_MAX.read_text())),
        **limits.rlimits,
    }
    return [
        {"type": kind, "soft": _unsigned(soft), "hard": _unsigned(hard)}
        for kind, (soft, hard) in wanted.items()
    ]


def _own(kind: int, most: int) -> tuple[int, int]:
    soft, hard = (
        most if limit == resource.RLIM_INFINITY else min(limit, most) for limit in resource.getrlimit(kind)
    )
    return soft, hard


def id_map_of(id_map: IdMap) -> dict[str, Any]:
    """A user namespace of the container's own with one contiguous map for uids and gids."""
    line = {"container_id": 0, "host_id": id_map.first, "size": id_map.size}
    return {
        "userns": {"nsmode": "private"},
        "idmappings": {
            "HostUIDMapping": False,
            "HostGIDMapping": False,
            "AutoUserNs": False,
            "UIDMap": [line],
            "GIDMap": [line],
        },
    }


def _unsigned(limit: int) -> int:
    return UNLIMITED if limit == resource.RLIM_INFINITY else limit
