"""Faults of networks, and of the mail server."""

from collections.abc import Iterator

import pytest

from tests.integration.cli.doctor.faults import FAILURE, WARNING, Fault, Ground, Table, assert_found
from tests.mail_server import PASSWORD, USER, mail_server

table = Table()
table.configured(
    "a network that podman does not have",
    check="network.containers",
    status=FAILURE,
    says="no-such-net",
    adjutant={"solver_network": "no-such-net"},
)
table.configured("no mail server", check="mail.server", status=WARNING, says="example.com")


@table.fault(
    "a URL below which there are no packages", check="network.files", status=FAILURE, says="HTTP 404"
)
def _(ground: Ground) -> Iterator[None]:
    ground.configure(topurl=f"{ground.testbed.description.topurl}/elsewhere")
    yield


@table.fault(
    "a mail server that refuses the login", check="mail.server", status=WARNING, says="refuses the login"
)
def _(ground: Ground) -> Iterator[None]:
    with mail_server(login=True) as server:
        where = f"127.0.0.1:{server.port}"
        ground.configure(
            smtphost=where, smtp_user=USER, smtp_pass=f"not-{PASSWORD}", from_addr="koji@example.com"
        )
        yield


@pytest.mark.parametrize("fault", table.faults, ids=str)
def test_a_fault_is_found(ground: Ground, fault: Fault) -> None:
    assert_found(ground, fault)
