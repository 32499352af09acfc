"""A socket of the host with an owner or an ACL, as a container of the build user reaches it or does not."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from koji_adjutant.container.interface import ContainerSpec, IdMap, VolumeMount
from koji_adjutant.container.labels import Owner, Role
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.testbed.engine.service import Engine
from tests.contract.containers import PATH, Output
from tests.contract.python_image import import_python
from tests.contract.signer import signing_socket
from tests.fakes.containers import running

pytestmark = pytest.mark.podman

IMAGE = "localhost/asking:1"
GROUP = 2991
"""Of the host, which need not have a name for them."""
OWNER = Owner(worker="contract", task_id=1)
OWN = IdMap(first=1 << 30)
ASK = """\
import socket
with socket.socket(socket.AF_UNIX) as client:
    client.connect("/run/signer/socket")
    print(client.recv(100).decode(), end="")
"""


@pytest.fixture(scope="module")
def asking_image(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> str:
    import_python(
        engine, tmp_path_factory.mktemp("asking") / "root.tar", IMAGE, programs=("bash", "sleep", "id")
    )
    return IMAGE


@dataclass
class Signer:
    """A directory with a socket that nobody but root may use."""

    directory: Path

    def let_in(self, entry: str) -> None:
        """By an entry of an ACL: the directory may be searched, the socket be written to."""
        for path, mode in ((self.directory, "x"), (self.directory / "socket", "rw")):
            subprocess.run(["setfacl", "--modify", f"{entry}:{mode}", path], check=True)

    def give(self, group: int) -> None:
        """To a group, by mode bits."""
        for path, mode in ((self.directory, 0o710), (self.directory / "socket", 0o660)):
            subprocess.run(["chgrp", str(group), path], check=True)
            path.chmod(mode)


@pytest.fixture
def signer(tmp_path: Path) -> Iterator[Signer]:
    directory = tmp_path / "signer"
    directory.mkdir(mode=0o700)
    with signing_socket(directory / "socket", 0o600):
        yield Signer(directory)


def build(image: str) -> ContainerSpec:
    """A container as builds have it."""
    return ContainerSpec(
        image=image,
        command=("/bin/sleep", "infinity"),
        labels=OWNER.labels(Role.BUILD),
        environment=PATH,
        user="1000:135",
    )


def ask(manager: PodmanManager, wanted: ContainerSpec) -> str:
    """Who a command is to the socket; empty when it is not let in."""
    output = Output()
    with running(manager, wanted) as container:
        code = manager.exec(container, ("/usr/bin/python3", "-c", ASK), output)
    assert code == 0 or b"PermissionError" in output.stderr, output.stderr
    return output.stdout.decode().strip()


def mounted(signer: Signer) -> tuple[VolumeMount, ...]:
    return (VolumeMount(source=str(signer.directory), target="/run/signer", read_only=False),)


@pytest.mark.rootful
@pytest.mark.parametrize("by_acl", [False, True])
def test_a_build_in_the_group_of_a_socket_is_let_in(
    manager: PodmanManager, asking_image: str, signer: Signer, *, by_acl: bool
) -> None:
    if by_acl:
        signer.let_in(f"group:{GROUP}")
    else:
        signer.give(GROUP)
    wanted = replace(build(asking_image), mounts=mounted(signer))
    assert ask(manager, wanted) == ""
    assert ask(manager, replace(wanted, host_groups=(GROUP - 1, GROUP))) == "1000 135"


@pytest.mark.rootful
def test_with_a_map_the_build_user_is_a_number_that_nobody_else_has(
    manager: PodmanManager, asking_image: str, signer: Signer
) -> None:
    wanted = replace(build(asking_image), mounts=mounted(signer), id_map=OWN)
    assert ask(manager, wanted) == ""
    signer.let_in(f"user:{OWN.first + 1000}")
    assert ask(manager, wanted) == f"{OWN.first + 1000} {OWN.first + 135}"


@pytest.mark.rootful
def test_without_a_map_the_build_user_is_its_number(
    manager: PodmanManager, asking_image: str, signer: Signer
) -> None:
    wanted = replace(build(asking_image), mounts=mounted(signer))
    assert ask(manager, wanted) == ""
    signer.let_in("user:1000")
    assert ask(manager, wanted) == "1000 135"


def test_a_command_of_another_user_is_in_the_groups_of_the_container_since_podman_5_5(
    manager: PodmanManager, asking_image: str
) -> None:
    """As with docker (podman's pull request 25625). Here that is rpm, as root, when it lists the packages."""
    wanted = replace(build(asking_image), host_groups=(GROUP,))
    own, other = Output(), Output()
    with running(manager, wanted) as container:
        manager.exec(container, ("/bin/id", "-G"), own)
        manager.exec(container, ("/bin/id", "-G"), other, user="1001:135")
    assert own.stdout.split() == [b"135", str(GROUP).encode()]
    assert other.stdout.split() == [b"135", *([str(GROUP).encode()] if podman_release() >= (5, 5) else [])]


def podman_release() -> tuple[int, ...]:
    said = subprocess.run(["podman", "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(number) for number in re.findall(r"\d+", said)[:2])
