"""Faults of what is written down for the daemon."""

from collections.abc import Iterator

import pytest

from tests.integration.cli.doctor.faults import FAILURE, WARNING, Fault, Ground, Table, assert_found
from tests.integration.cli.doctor.stand_ins import main_process

table = Table()
table.configured(
    "an option that is unknown", check="config.file", status=FAILURE, says="sleeptme", sleeptme=3
)
table.configured("a value that is none", check="config.file", status=FAILURE, says="'soon'", sleeptime="soon")
table.configured(
    "an old name of an option",
    check="config.file",
    status=WARNING,
    says="is an old name",
    adjutant={"limits_buildarch": "memory=4G"},
)


@table.fault("a file with a password that all may read", check="config.secrets", status=FAILURE, says="0644")
def _(ground: Ground) -> Iterator[None]:
    ground.configure().chmod(0o644)
    yield


@table.fault(
    "settings of mock that do nothing here", check="config.mock", status=WARNING, says="nspawn_args", pain=13
)
def _(ground: Ground) -> Iterator[None]:
    site = ground.directory / "site-defaults.cfg"
    site.write_text(
        "config_opts['nspawn_args'] = ['--capability=cap_ipc_lock', '--rlimit=RLIMIT_NOFILE=10240']\n"
    )
    ground.configure(adjutant={"mock_site_defaults": site})
    yield


@table.fault(
    "a plugin that cannot be imported", check="config.plugins", status=FAILURE, says="no_such_module", pain=6
)
def _(ground: Ground) -> Iterator[None]:
    (ground.directory / "broken.py").write_text("import no_such_module\n")
    ground.configure(plugins="broken", pluginpath=ground.directory)
    yield


@table.fault(
    "a proxy between this host and its hub", check="config.proxies", status=WARNING, says="127.0.0.1", pain=17
)
def _(ground: Ground) -> Iterator[None]:
    ground.without_daemon()
    ground.monkeypatch.setenv("http_proxy", "http://proxy.example.com:3128")
    yield


@table.fault(
    "fewer open files than a builder needs", check="config.limits", status=WARNING, says="512", pain=13
)
def _(ground: Ground) -> Iterator[None]:
    ground.without_daemon()
    with main_process(ground.directory / "state", files=512):
        yield


@pytest.mark.parametrize("fault", table.faults, ids=str)
def test_a_fault_is_found(ground: Ground, fault: Fault) -> None:
    assert_found(ground, fault)
