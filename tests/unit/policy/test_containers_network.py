"""Which network a container is on."""

import dataclasses
from pathlib import Path

import pytest

from koji_adjutant.config import Config
from koji_adjutant.errors import BuildrootFailed, TaskFailed, TaskFault
from koji_adjutant.policy.containers import (
    NetworkUse,
    network_for,
    network_of_package_code,
    network_of_srpm,
    proxy_environment,
)


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
    [(NetworkUse.EXTERNAL_REPOS, TaskFailed), (NetworkUse.CHECKOUT, TaskFailed)],
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


def test_proxies_are_known_in_both_spellings() -> None:
    found = proxy_environment({"http_proxy": "a", "HTTPS_PROXY": "b", "no_proxy": "", "PATH": "c"})
    assert found == {"http_proxy": "a", "HTTPS_PROXY": "b"}


@pytest.mark.parametrize(
    ("said", "network"),
    [
        (None, "host"),
        ("yes", "host"),
        (True, "host"),
        ("1", "host"),
        ("no", "none"),
        ("No", "none"),
        (False, "none"),
        ("0", "none"),
    ],
)
def test_a_tag_can_take_the_network_from_the_source_package(said: object, network: str) -> None:
    extra = {} if said is None else {"adjutant.srpm_network": said}
    assert network_of_srpm("host", tag_name="t", tag_extra=extra) == network
    assert network_of_srpm("none", tag_name="t", tag_extra=extra) == "none", "and can give none"


@pytest.mark.parametrize("said", ["never", "", 2, None, ["no"]])
def test_what_a_tag_says_of_it_is_understood_or_refused(said: object) -> None:
    with pytest.raises(BuildrootFailed, match=r"adjutant\.srpm_network of tag t cannot be used"):
        network_of_srpm("host", tag_name="t", tag_extra={"adjutant.srpm_network": said})
