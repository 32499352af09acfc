"""What a builder asks about itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import koji
import pytest

if TYPE_CHECKING:
    from tests.unit.testbed.hub.served import Served, Session


@pytest.fixture
def builder(served: Served) -> Session:
    return served.builder("b1")


def test_a_hosts_own_view(builder: Session) -> None:
    hosts, tasks = builder.host.getLoadData()
    assert (hosts[0]["name"], hosts[0]["channels"], tasks) == ("b1", [1, 2], [])
    builder.host.setHostData('{"methods": ["x"]}')
    assert builder.scheduler.getHostData(hostID=1) == [{"host_id": 1, "data": {"methods": ["x"]}}]
    with pytest.raises(koji.ParameterError):
        builder.host.setHostData([1])
