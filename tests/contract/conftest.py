"""What the contract suites run over: the fake engine and a real one, and a hub, by default the embedded one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.contract.container_fixtures import manager_of, subject
from tests.contract.hub_fixtures import hub_under_test, world

if TYPE_CHECKING:
    import pytest

__all__ = ["hub_under_test", "manager_of", "pytest_addoption", "subject", "world"]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("hub", "the hub that the protocol tests are run against")
    group.addoption("--hub", metavar="URL", help="a real Koji hub; default: an embedded one")
    group.addoption("--hub-user", metavar="USER:PASSWORD", default="admin:admin", help="an administrator")
    group.addoption("--hub-topdir", metavar="DIR", help="its topdir, as this machine sees it")
    group.addoption("--hub-database", metavar="DSN", help="its PostgreSQL database: passwords, ageing")
