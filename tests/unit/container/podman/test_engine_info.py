"""What an engine says of itself, as podman 4.3 and 5 say it, and as it may not."""

from koji_adjutant.container.podman.engine_info import EngineInfo, engine_info

PODMAN_4 = {
    "host": {
        "cgroupControllers": ["cpu", "memory", "pids"],
        "cgroupVersion": "v2",
        "networkBackend": "netavark",
        "ociRuntime": {"name": "crun", "path": "/usr/bin/crun"},
        "security": {
            "rootless": True,
            "selinuxEnabled": True,
            "seccompEnabled": True,
            "seccompProfilePath": "/usr/share/containers/seccomp.json",
        },
    },
    "store": {"graphDriverName": "overlay", "graphRoot": "/home/b/storage", "runRoot": "/run/user/1000"},
    "version": {"APIVersion": "4.3.1", "Version": "4.3.1"},
}


def test_what_podman_says() -> None:
    assert engine_info(PODMAN_4) == EngineInfo(
        version="4.3.1",
        storage_driver="overlay",
        storage="/home/b/storage",
        run_directory="/run/user/1000",
        runtime="crun",
        network="netavark",
        cgroup_version="v2",
        cgroup_controllers=("cpu", "memory", "pids"),
        is_rootless=True,
        has_selinux=True,
        has_seccomp=True,
        seccomp_profile="/usr/share/containers/seccomp.json",
    )


def test_what_is_not_said_is_empty() -> None:
    assert engine_info({}) == engine_info({"host": None, "store": None}) == EngineInfo()
    assert engine_info({"host": {"cgroupControllers": None, "ociRuntime": None}}) == EngineInfo()
