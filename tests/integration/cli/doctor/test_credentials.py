"""Faults of what the login is made with."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.cli.doctor.faults import FAILURE, WARNING, Fault, Ground, Table, assert_found
from tests.unit.host.test_certificates import certificate
from tests.unit.hub.test_credentials import keytab

table = Table()
BY_KERBEROS: dict[str, Any] = {"user": "", "password": "", "krb_principal": "compile/builder@EXAMPLE.COM"}


@table.fault(
    "a certificate that ends next week",
    check="credentials.certificate",
    status=FAILURE,
    says="5 days",
    pain=16,
)
def _(ground: Ground) -> Iterator[None]:
    file = certificate(ground.directory / "client.pem", days=5)
    file.write_bytes(file.read_bytes() + (ground.directory / "client.pem.key").read_bytes())
    ground.configure(cert=file)
    yield


@table.fault(
    "a certificate that ends this month",
    check="credentials.certificate",
    status=WARNING,
    says="20 days",
    pain=16,
)
def _(ground: Ground) -> Iterator[None]:
    file = certificate(ground.directory / "client.pem", days=20)
    file.write_bytes(file.read_bytes() + (ground.directory / "client.pem.key").read_bytes())
    ground.configure(cert=file)
    yield


@table.fault(
    "a certificate without its key", check="credentials.certificate", status=FAILURE, says="cannot be used"
)
def _(ground: Ground) -> Iterator[None]:
    ground.configure(cert=certificate(ground.directory / "client.pem", days=100))
    yield


@table.fault(
    "an authority that ends this month",
    check="credentials.authority",
    status=WARNING,
    says="10 days",
    pain=16,
)
def _(ground: Ground) -> Iterator[None]:
    ground.configure(serverca=certificate(ground.directory / "ca.pem", days=10))
    yield


@table.fault(
    "a keytab of another host",
    check="credentials.keytab",
    status=FAILURE,
    says="no key of compile/builder@EXAMPLE.COM",
    pain=16,
)
def _(ground: Ground) -> Iterator[None]:
    file = keytab(ground.directory / "other.keytab", "compile/other@EXAMPLE.COM")
    ground.configure(keytab=file, **BY_KERBEROS)
    yield


@table.fault(
    "an empty ticket cache", check="credentials.ticket", status=FAILURE, says="no usable ticket", pain=16
)
def _(ground: Ground) -> Iterator[None]:
    cache = ground.directory / "ccache"
    cache.touch(mode=0o600)
    ground.configure(keytab=ground.directory / "no.keytab", ccache=cache, **BY_KERBEROS)
    yield
    assert cache.exists()


@pytest.mark.parametrize("fault", table.faults, ids=str)
def test_a_fault_is_found(ground: Ground, fault: Fault) -> None:
    assert_found(ground, fault)
