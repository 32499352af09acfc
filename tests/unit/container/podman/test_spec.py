"""A ContainerSpec in the words of the engine."""

import resource
from dataclasses import replace
from pathlib import Path

import pytest

from koji_adjutant.container.interface import ContainerSpec, IdMap, ResourceLimits, VolumeMount
from koji_adjutant.container.podman.spec import UNLIMITED, create_request, limits_of, oci_mount

PLAIN = ContainerSpec(image="localhost/image:1", command=("/bin/true", "a b"), labels={"k": "v"})


def test_least_privilege_is_what_nobody_asked_for() -> None:
    request = create_request(PLAIN)
    assert request["netns"] == {"nsmode": "none"}
    assert request["cap_drop"] == ["ALL"]
    assert request["cap_add"] == []
    assert request["no_new_privileges"] is True
    assert request["image_volume_mode"] == "ignore"
    assert request["unsetenvall"] is True
    assert request["httpproxy"] is False


def test_command_replaces_the_image_s_entry_point() -> None:
    request = create_request(PLAIN)
    assert request["entrypoint"] == ["/bin/true", "a b"]
    assert "command" not in request


@pytest.mark.parametrize("name", ["CHOWN", "cap_chown", "CAP_CHOWN"])
def test_capability_is_named_as_the_runtime_does(name: str) -> None:
    assert create_request(replace(PLAIN, capabilities=frozenset({name})))["cap_add"] == ["CAP_CHOWN"]


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ("host", {"netns": {"nsmode": "host"}}),
        ("pasta", {"netns": {"nsmode": "pasta"}}),
        ("mine", {"netns": {"nsmode": "bridge"}, "networks": {"mine": {}}}),
    ],
)
def test_network_is_a_mode_or_a_name(network: str, expected: dict[str, object]) -> None:
    assert expected.items() <= create_request(replace(PLAIN, network=network)).items()


@pytest.mark.parametrize(
    ("mount", "expected"),
    [
        (VolumeMount(target="/t", source="/s"), {"type": "bind", "source": "/s", "options": ["rbind", "ro"]}),
        (
            VolumeMount(target="/t", source="/s", read_only=False, options=("bind", "rslave")),
            {"type": "bind", "source": "/s", "options": ["bind", "rslave", "rw"]},
        ),
        (
            VolumeMount(target="/t", kind="tmpfs", read_only=False, options=("dev",)),
            {"type": "tmpfs", "source": "tmpfs", "options": ["dev", "rw"]},
        ),
        (VolumeMount(target="/t", kind="proc"), {"type": "proc", "source": "proc", "options": ["ro"]}),
    ],
)
def test_mount_is_an_oci_mount(mount: VolumeMount, expected: dict[str, object]) -> None:
    assert oci_mount(mount) == {"destination": "/t", **expected}


def test_limits_are_cgroup_limits_and_rlimits() -> None:
    found = limits_of(
        ResourceLimits(
            memory_bytes=5,
            cpus=1.5,
            pids=7,
            shm_bytes=9,
            rlimits={"core": (0, 5), "nofile": (1024, 2048), "nproc": (3, -1)},
        )
    )
    assert found["resource_limits"] == {
        "memory": {"limit": 5, "swap": 5},
        "pids": {"limit": 7},
        "cpu": {"quota": 150_000, "period": 100_000},
    }
    assert found["shm_size"] == 9
    assert found["r_limits"] == [
        {"type": "nofile", "soft": 1024, "hard": 2048},
        {"type": "nproc", "soft": 3, "hard": UNLIMITED},
        {"type": "core", "soft": 0, "hard": 5},
    ]


def test_one_rlimit_brings_the_other() -> None:
    _, nproc = limits_of(ResourceLimits(rlimits={"nofile": (1, 2)}))["r_limits"]
    soft, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    most = int(Path("/proc/sys/kernel/pid_max").read_text())
    assert nproc["type"] == "nproc"
    assert nproc["soft"] == (most if soft == resource.RLIM_INFINITY else min(soft, most))


def test_quota_is_an_option_of_the_storage() -> None:
    assert limits_of(ResourceLimits(pids=None, disk_bytes=1 << 30)) == {
        "storage_opts": {"size": "1073741824"}
    }


def test_no_limit_is_asked_for_where_none_is_given() -> None:
    assert limits_of(ResourceLimits(pids=None)) == {}


def test_id_map_is_one_line_for_users_and_groups() -> None:
    request = create_request(replace(PLAIN, id_map=IdMap(first=200_000, size=1000)))
    line = {"container_id": 0, "host_id": 200_000, "size": 1000}
    assert request["userns"] == {"nsmode": "private"}
    assert request["idmappings"]["UIDMap"] == request["idmappings"]["GIDMap"] == [line]


def test_what_is_not_set_is_left_out() -> None:
    optional = {"hostname", "mask", "seccomp_profile_path", "use_image_hosts", "selinux_opts", "idmappings"}
    assert not optional & create_request(PLAIN).keys()
    full = replace(
        PLAIN,
        hostname="h",
        masked_paths=("/m",),
        seccomp_profile="/p",
        image_hosts=True,
        label_disable=True,
        id_map=IdMap(first=1),
    )
    assert optional <= create_request(full).keys()
