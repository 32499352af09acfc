"""Faults between this host and its hub."""

import socket
from collections.abc import Iterator

import pytest

from koji_adjutant.testbed.client import ADMINISTRATOR, admin_password
from tests.integration.cli.doctor.faults import FAILURE, Fault, Ground, Table, assert_found
from tests.integration.cli.doctor.stand_ins import hub_with_another_clock

table = Table()
table.configured(
    "a hub whose name has no address",
    check="hub.resolver",
    status=FAILURE,
    says="hub.invalid",
    server="http://hub.invalid/kojihub",
)
table.configured(
    "a password that is wrong",
    check="hub.login",
    status=FAILURE,
    says="refuses user builder",
    password="x-wrong",
)


@table.fault("a hub that is down", check="hub.reachable", status=FAILURE, says="Connection refused", pain=20)
def _(ground: Ground) -> Iterator[None]:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        ground.configure(server=f"http://127.0.0.1:{nobody.getsockname()[1]}/kojihub")
        yield


@table.fault("a URL that is no hub's", check="hub.reachable", status=FAILURE, says="as a hub")
def _(ground: Ground) -> Iterator[None]:
    ground.configure(server=ground.testbed.description.topurl)
    yield


@table.fault(
    "a clock that is five minutes late", check="hub.clock", status=FAILURE, says="s behind the hub's", pain=16
)
def _(ground: Ground) -> Iterator[None]:
    with hub_with_another_clock(ground.testbed.description.server, 300) as server:
        ground.configure(server=server)
        yield


@table.fault(
    "a login that is no host's", check="hub.login-name", status=FAILURE, says="no host of that name", pain=5
)
def _(ground: Ground) -> Iterator[None]:
    ground.configure(user=ADMINISTRATOR, password=admin_password(ground.testbed.layout))
    yield


@table.fault(
    "a kojid of another host with this login", check="hub.lock", status=FAILURE, says="somebody else", pain=5
)
def _(ground: Ground) -> Iterator[None]:
    ground.without_daemon()
    yield


@pytest.mark.parametrize("fault", table.faults, ids=str)
def test_a_fault_is_found(ground: Ground, fault: Fault) -> None:
    assert_found(ground, fault)
