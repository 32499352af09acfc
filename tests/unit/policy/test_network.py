"""Which network a container is on."""

import dataclasses
from pathlib import Path

import pytest

from koji_adjutant.config import Config
from koji_adjutant.errors import TaskFailed, TaskFault
from koji_adjutant.handlers.registry import HANDLERS
from koji_adjutant.policy.limits import KINDS
from koji_adjutant.policy.network import PACKAGE_CODE, NetworkUse, network_for, network_of_package_code


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(
        server="http://hub/kojihub",
        topurls=("http://hub/kojifiles",),
        state_dir=tmp_path,
        solver_network="host",
    )


@pytest.mark.parametrize("use", [NetworkUse.BUILD, NetworkUse.INSTALL, NetworkUse.REPODATA, NetworkUse.SOLVE])
def test_never_a_network(config: Config, use: NetworkUse) -> None:
    assert network_for(use, config) == "none"


def test_configured_network(config: Config) -> None:
    assert network_for(NetworkUse.EXTERNAL_REPOS, config) == "host"


@pytest.mark.parametrize(
    ("use", "fault"),
    [(NetworkUse.EXTERNAL_REPOS, TaskFailed)],
)
def test_network_taken_away(config: Config, use: NetworkUse, fault: type[TaskFault]) -> None:
    denied = dataclasses.replace(config, network_enabled=False)
    with pytest.raises(fault, match=f"{use} needs a network, and network_enabled is off"):
        network_for(use, denied)
    assert network_for(NetworkUse.BUILD, denied) == "none"


@pytest.mark.parametrize(
    ("method", "network"),
    [
        ("buildArch", "none"),
        ("rebuildSRPM", "none"),
        ("wrapperRPM", "none"),
        ("buildSRPMFromSCM", "host"),
        ("buildMaven", "host"),
        ("runroot", "host"),
        ("createAppliance", "host"),
        ("createLiveCD", "host"),
        ("createLiveMedia", "host"),
        ("createKiwiImage", "host"),
        ("createDudIso", "host"),
        ("createrepo", "none"),
        ("whatever comes", "none"),
    ],
)
def test_network_of_package_code_is_as_with_kojid_and_can_only_be_taken_away(
    config: Config, method: str, network: str
) -> None:
    assert network_of_package_code(method, config) == network
    denied = dataclasses.replace(config, network_enabled=False)
    assert network_of_package_code(method, denied) == "none"


def test_every_kind_of_task_is_decided() -> None:
    methods = {method for handler in HANDLERS for method in handler.Methods}
    assert set(KINDS) <= methods
    assert set(KINDS) - {"createrepo"} <= PACKAGE_CODE.keys()
