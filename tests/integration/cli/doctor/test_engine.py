"""Faults of the engine. What this machine's podman cannot be made to have is said by a stand-in at its socket."""

from collections.abc import Iterator
from typing import Any

import pytest

from koji_adjutant.container.podman_manager import PodmanManager
from tests.integration.cli.doctor.faults import FAILURE, WARNING, Fault, Ground, Table, assert_found
from tests.integration.cli.doctor.stand_ins import engine_that_says

table = Table()
table.configured(
    "no engine",
    check="engine.socket",
    status=FAILURE,
    says="/nowhere/podman.sock",
    adjutant={"podman_socket": "/nowhere/podman.sock"},
)
table.configured(
    "no user namespace for builds",
    check="engine.user-namespaces",
    status=WARNING,
    says="root of the engine",
    adjutant={"user_namespace": "no"},
)
table.configured(
    "an image whose containers do not start",
    check="engine.trial",
    status=FAILURE,
    says="koji-adjutant-empty",
    adjutant={"task_image_default": "localhost/koji-adjutant-empty:2"},
)
INFO: dict[str, Any] = {
    "version": {"Version": "5.4.2"},
    "host": {
        "ociRuntime": {"name": "crun"},
        "networkBackend": "netavark",
        "cgroupVersion": "v2",
        "security": {"seccompEnabled": True, "seccompProfilePath": "/usr/share/containers/seccomp.json"},
    },
    "store": {"graphDriverName": "overlay", "graphRoot": "/var/lib/containers/storage"},
}


def says(ground: Ground, **answers: object) -> Iterator[None]:
    """An engine that answers so."""
    socket = ground.directory / "podman.sock"
    ground.configure(adjutant={"podman_socket": socket})
    with engine_that_says(socket, {f"/{name}": said for name, said in answers.items()}):
        yield


@table.fault("docker's socket", check="engine.socket", status=FAILURE, says="docker", pain=0)
def _(ground: Ground) -> Iterator[None]:
    yield from says(ground, containers=[])


@table.fault("a podman that is too old", check="engine.version", status=FAILURE, says="3.4.4")
def _(ground: Ground) -> Iterator[None]:
    yield from says(ground, _ping="OK", info={**INFO, "version": {"Version": "3.4.4"}})


@table.fault("a podman that nobody has tried", check="engine.version", status=FAILURE, says="7.0.0")
def _(ground: Ground) -> Iterator[None]:
    yield from says(ground, _ping="OK", info={**INFO, "version": {"Version": "7.0.0"}})


@table.fault("a storage that copies roots", check="engine.storage", status=FAILURE, says="vfs")
def _(ground: Ground) -> Iterator[None]:
    yield from says(ground, _ping="OK", info={**INFO, "store": {"graphDriverName": "vfs"}})


@table.fault("a runtime that nobody has tried", check="engine.runtime", status=WARNING, says="kata")
def _(ground: Ground) -> Iterator[None]:
    host = {**INFO["host"], "ociRuntime": {"name": "kata"}}
    yield from says(ground, _ping="OK", info={**INFO, "host": host})


@table.fault("an engine without seccomp", check="engine.seccomp", status=FAILURE, says="no seccomp")
def _(ground: Ground) -> Iterator[None]:
    yield from says(ground, _ping="OK", info={**INFO, "host": {"security": {}}})


@pytest.fixture(autouse=True)
def _empty_image(ground: Ground) -> None:
    """Of the daemon's: the engine has it from the first buildroot on."""
    manager = PodmanManager(ground.testbed.engine.socket, ground.testbed.config.container_timeouts)
    manager.import_empty_image("localhost/koji-adjutant-empty:2")
    manager.close()


@pytest.mark.parametrize("fault", table.faults, ids=str)
def test_a_fault_is_found(ground: Ground, fault: Fault) -> None:
    assert_found(ground, fault)
