"""Faults of the services around the daemon. systemctl is a stand-in, which prints what systemd's own does."""

import os
import socket
from collections.abc import Iterator

import pytest

from tests.integration.cli.doctor.faults import FAILURE, WARNING, Fault, Ground, Table, assert_found

table = Table()
UNIT = {
    "LoadState": "loaded",
    "ActiveState": "active",
    "SubState": "running",
    "UnitFileState": "enabled",
    "Result": "success",
    "FragmentPath": "/usr/local/lib/systemd/system/kojid.service",
    "NeedDaemonReload": "no",
    "KillMode": "process",
    "ProtectSystem": "full",
    "ProtectHome": "read-only",
    "PrivateTmp": "no",
    "PrivateNetwork": "no",
    "ReadWritePaths": "",
}


def systemd(ground: Ground, **said: str) -> Iterator[None]:
    """A systemd that has this of the unit."""
    program = ground.directory / "systemctl"
    lines = "\n".join(f"{name}={value}" for name, value in {**UNIT, **said}.items())
    program.write_text(f"#!/bin/sh\ncat <<'EOF'\n{lines}\nEOF\n")
    program.chmod(0o755)
    ground.monkeypatch.setenv("PATH", f"{ground.directory}:{os.environ['PATH']}")
    yield


@table.fault("a unit that has failed", check="service.unit", status=FAILURE, says="failed", pain=5)
def _(ground: Ground) -> Iterator[None]:
    yield from systemd(ground, ActiveState="failed", SubState="failed", Result="exit-code")


@table.fault("a unit that is not started at boot", check="service.unit", status=WARNING, says="next boot")
def _(ground: Ground) -> Iterator[None]:
    yield from systemd(ground, UnitFileState="disabled")


@table.fault("a unit whose file has changed", check="service.unit", status=WARNING, says="has changed")
def _(ground: Ground) -> Iterator[None]:
    yield from systemd(ground, NeedDaemonReload="yes")


@table.fault(
    "a drop-in that ends builds with the daemon",
    check="service.hardening",
    status=FAILURE,
    says="KillMode",
    pain=2,
)
def _(ground: Ground) -> Iterator[None]:
    yield from systemd(ground, KillMode="control-group")


@table.fault(
    "a work directory that the unit may not write to",
    check="service.hardening",
    status=FAILURE,
    says="/home/koji",
)
def _(ground: Ground) -> Iterator[None]:
    ground.configure(workdir="/home/koji/work")
    yield from systemd(ground)


@table.fault(
    "a status server that is away", check="service.status-server", status=FAILURE, says="cannot be reached"
)
def _(ground: Ground) -> Iterator[None]:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        ground.without_daemon(adjutant={"monitoring_enabled": "yes", "monitoring_bind": f"127.0.0.1:{port}"})
        yield


@pytest.mark.parametrize("fault", table.faults, ids=str)
def test_a_fault_is_found(ground: Ground, fault: Fault) -> None:
    assert_found(ground, fault)
