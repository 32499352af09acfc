"""The seccomp profile of builds on a real engine: as generous as a chroot, but for new user namespaces."""

from dataclasses import replace
from pathlib import Path

import pytest

from koji_adjutant.config import Config
from koji_adjutant.config.values import USER_NAMESPACES
from koji_adjutant.container.interface import ContainerSpec
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.guards.confinement import containment
from tests.contract.containers import Output, shell, spec
from tests.fakes.containers import running

pytestmark = [pytest.mark.podman, pytest.mark.usefixtures("contract_image")]

NAMESPACE = "unshare --user --map-root-user cat /proc/self/uid_map"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(server="http://h/hub", topurls=("http://h/files",), state_dir=tmp_path / "state")


def contained(manager: PodmanManager, config: Config, *privileges: str) -> ContainerSpec:
    made = containment(config, manager, frozenset(privileges))
    assert made.seccomp_profile
    return replace(spec(), seccomp_profile=made.seccomp_profile, user="1000:1000")


def ends(manager: PodmanManager, wanted: ContainerSpec, script: str) -> tuple[int, str]:
    output = Output()
    with running(manager, wanted) as container:
        code = manager.exec(container, shell(script), output)
    return code, (output.stdout + output.stderr).decode()


def test_a_program_without_randomized_addresses(manager: PodmanManager, config: Config) -> None:
    """Which the engine's own profile refuses, and a chroot does not."""
    script = "setarch --addr-no-randomize cat /proc/self/personality"
    own = ends(manager, replace(spec(), user="1000:1000"), script)
    assert own[0] != 0, own
    assert ends(manager, contained(manager, config), script) == (0, "00040000\n")


def test_a_user_namespace_is_refused(manager: PodmanManager, config: Config) -> None:
    code, text = ends(manager, contained(manager, config), NAMESPACE)
    assert (code, "Operation not permitted" in text) == (1, True), text


def test_a_user_namespace_where_it_is_allowed(manager: PodmanManager, config: Config) -> None:
    code, text = ends(manager, contained(manager, config, USER_NAMESPACES), NAMESPACE)
    assert (code, text.split()) == (0, ["0", "1000", "1"])
