"""Hosts, as the client's commands call them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import koji
import pytest

if TYPE_CHECKING:
    from tests.unit.testbed.hub.served import Served, Session


def names(rows: list[dict[str, Any]]) -> list[str]:
    return [row["name"] for row in rows]


def test_a_host_is_a_user_with_a_configuration(admin: Session) -> None:
    host_id = admin.addHost("b1", ["x86_64", "i686"])
    host = admin.getHost("b1")
    assert admin.getUser(host["user_id"])["usertype"] == koji.USERTYPES["HOST"]
    expected = {"arches": "x86_64 i686", "capacity": 2.0, "enabled": True, "ready": False, "id": host_id}
    assert {key: host[key] for key in expected} == expected
    assert names(admin.listChannels("b1")) == ["default"]
    with pytest.raises(koji.GenericError, match="already exists"):
        admin.addHost("b1", ["x86_64"])
    with pytest.raises(koji.GenericError, match="already exists and it is not a host"):
        admin.addHost("admin", ["x86_64"])


def test_a_hosts_past_is_kept(admin: Session) -> None:
    admin.addHost("b1", ["x86_64"])
    before = admin.getLastEvent()["id"]
    assert admin.editHost("b1", arches="s390x", capacity=7.0, comment="big") is True
    assert admin.editHost("b1", arches="s390x") is False
    assert admin.getHost("b1")["arches"] == "s390x"
    assert admin.getHost("b1", event=before)["arches"] == "x86_64"
    with pytest.raises(koji.ParameterError):
        admin.editHost("b1", comment=5)


def test_list_hosts(served: Served, admin: Session) -> None:
    served.builder("b1", arches=("x86_64",))
    admin.addHost("b2", ["ppc64le"])
    admin.disableHost("b2")
    assert names(admin.listHosts(arches=["ppc64le"])) == ["b2"]
    assert names(admin.listHosts(arches=["ppc64"])) == []
    assert names(admin.listHosts(ready=True)) == names(admin.listHosts(enabled=True)) == ["b1"]
    assert names(admin.listHosts(channelID="createrepo")) == ["b1"]
    assert names(admin.listHosts(userID="b2")) == ["b2"]
    assert admin.getAllArches() == ["ppc64le", "x86_64"]


def test_when_a_host_was_last_heard_of(served: Served, admin: Session) -> None:
    host_id = served.hub.accounts.add_host("b1", "b1")
    assert admin.getLastHostUpdate(host_id) is None
    served.login("b1")
    assert admin.getLastHostUpdate(host_id, ts=True) == served.clock.now
