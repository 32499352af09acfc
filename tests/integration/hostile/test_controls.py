"""What holds hostile code is the containment: without it, the same attempts succeed.

The containers of these tests are made by the tests, with a network, a capability or a mount that no container of a
task has.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerSpec, VolumeMount
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.policy.containers import INSTALLER_CAPABILITIES
from tests.contract.containers import Output
from tests.fakes.containers import running
from tests.integration.hostile.attempts import ATTACK, KERNEL, NETWORK, Result, results_in
from tests.integration.hostile.conftest import Hostile
from tests.integration.packages import file_of

pytestmark = pytest.mark.podman

PLACE = "/usr/bin"
MOUNTS = ("a new tmpfs", "a new proc", "a bind mount")


@pytest.fixture(scope="module")
def attack(hostile: Hostile, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, out of its package."""
    package = next(hostile.tools.glob("hostile-tools-*.rpm"))
    program = tmp_path_factory.mktemp("attack") / "attack"
    program.write_bytes(file_of(package, ATTACK.removeprefix("/")))
    program.chmod(0o755)
    return program


@pytest.fixture
def loose(hostile: Hostile) -> ContainerSpec:
    """A container as a task's, but for the user."""
    return ContainerSpec(
        image=hostile.testbed.config.task_image_default,
        command=("/bin/sleep", "60"),
        labels={labels.WORKER: "hostile-controls"},
        environment={"PATH": "/usr/bin:/usr/sbin"},
    )


def run(manager: PodmanManager, container: str, *argv: str) -> dict[str, Result]:
    output = Output()
    assert manager.exec(container, argv, output) == 0, output.stderr
    return results_in(output.stdout.decode())


@contextmanager
def with_attack(manager: PodmanManager, spec: ContainerSpec, attack: Path) -> Iterator[str]:
    """It runs, and has the program."""
    with running(manager, spec) as container:
        manager.copy_to(container, attack, PLACE)
        yield container


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.rootful] if word.startswith("packet") else [])
        for name, word in NETWORK.items()
    ],
)
def test_with_a_network_somebody_answers(
    hostile: Hostile, manager: PodmanManager, loose: ContainerSpec, attack: Path, name: str
) -> None:
    word = hostile.word(NETWORK[name])
    network = hostile.testbed.engine.network if "gateway" in name else "host"
    spec = replace(loose, network=network, capabilities=frozenset({"NET_RAW"}))
    with with_attack(manager, spec, attack) as container:
        result = run(manager, container, "attack", word)[word]
    assert result.how == "succeeded", result
    hostile.listeners.visits.clear()


def test_with_a_capability_mounts_are_made(
    manager: PodmanManager, loose: ContainerSpec, attack: Path
) -> None:
    words = [KERNEL[name] for name in MOUNTS]
    spec = replace(loose, capabilities=frozenset({"SYS_ADMIN"}), no_new_privileges=False)
    with with_attack(manager, spec, attack) as container:
        found = run(manager, container, "attack", *words)
    assert {word: found[word].how for word in words} == dict.fromkeys(words, "succeeded")


def test_with_the_cache_in_its_container_a_scriptlet_writes_to_it(
    manager: PodmanManager, loose: ContainerSpec, attack: Path, tmp_path: Path
) -> None:
    """Only the container is a boundary: out of the chroot it is two calls."""
    (tmp_path / "package.rpm").write_text("of everybody")
    words = ("leave=/cache", "write-all=/cache", "create=/cache/hostile-token")
    with manager.created(loose) as root:
        manager.copy_to(root, attack, PLACE)
        mounts = (
            VolumeMount(source=manager.mount_root(root), target="/buildroot", read_only=False),
            VolumeMount(source=str(tmp_path), target="/cache", read_only=False),
        )
        spec = replace(loose, capabilities=INSTALLER_CAPABILITIES, mounts=mounts, label_disable=True)
        with running(manager, spec) as container:
            found = run(manager, container, "chroot", "/buildroot", f"{PLACE}/attack", *words)
    assert {word: found[word].how for word in words} == dict.fromkeys(words, "succeeded")
    assert (tmp_path / "hostile-token").exists()
