"""Which network a container is on."""

import dataclasses
from pathlib import Path

import pytest

from koji_adjutant.config import Config
from koji_adjutant.errors import BuildrootFailed, TaskFailed, TaskFault
from koji_adjutant.policy.network import NetworkUse, network_for


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(
        server="http://hub/kojihub",
        topurls=("http://hub/kojifiles",),
        state_dir=tmp_path,
        solver_network="host",
    )


@pytest.mark.parametrize("use", [NetworkUse.BUILD, NetworkUse.INSTALL, NetworkUse.REPODATA])
def test_never_a_network(config: Config, use: NetworkUse) -> None:
    assert network_for(use, config) == "none"


@pytest.mark.parametrize("use", [NetworkUse.SOLVE, NetworkUse.EXTERNAL_REPOS])
def test_configured_network(config: Config, use: NetworkUse) -> None:
    assert network_for(use, config) == "host"


@pytest.mark.parametrize(
    ("use", "fault"),
    [(NetworkUse.SOLVE, BuildrootFailed), (NetworkUse.EXTERNAL_REPOS, TaskFailed)],
)
def test_network_taken_away(config: Config, use: NetworkUse, fault: type[TaskFault]) -> None:
    denied = dataclasses.replace(config, network_enabled=False)
    with pytest.raises(fault, match=f"{use} needs a network, and network_enabled is off"):
        network_for(use, denied)
    assert network_for(NetworkUse.BUILD, denied) == "none"
