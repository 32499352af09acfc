"""Users, groups, permissions, hosts and channels, as the client's commands call them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import koji
import pytest

if TYPE_CHECKING:
    from tests.unit.testbed.hub_core.conftest import Served, Session


def names(rows: list[dict[str, Any]]) -> list[str]:
    return [row["name"] for row in rows]


def test_a_user_is_found_by_id_name_and_principal(admin: Session) -> None:
    user_id = admin.createUser("mary", krb_principal="mary@EXAMPLE.ORG")
    expected = {
        "id": user_id,
        "name": "mary",
        "status": koji.USER_STATUS["NORMAL"],
        "usertype": koji.USERTYPES["NORMAL"],
        "krb_principals": ["mary@EXAMPLE.ORG"],
    }
    for info in (user_id, "mary", "mary@EXAMPLE.ORG", {"id": user_id}, {"name": "mary"}):
        assert admin.getUser(info) == expected
    assert admin.getUser("nobody") is None
    with pytest.raises(koji.GenericError, match="No such user"):
        admin.getUser("nobody", strict=True)


@pytest.mark.parametrize("info", [1.5, {"name": 5}, {"id": "x"}])
def test_what_names_no_user(admin: Session, info: Any) -> None:
    with pytest.raises(koji.GenericError, match="Invalid type"):
        admin.getUser(info)


@pytest.mark.parametrize("name", ["", "two words", "x" * 257, 5])
def test_user_names_that_are_refused(admin: Session, name: Any) -> None:
    with pytest.raises(koji.GenericError, match="Name"):
        admin.createUser(name)


def test_who_is_logged_in(served: Served, admin: Session) -> None:
    me = admin.getLoggedInUser()
    assert (me["name"], me["authtype"], me["krb_principal"]) == ("admin", koji.AUTHTYPES["NORMAL"], None)
    assert admin.getUser() == {key: me[key] for key in me if key not in {"authtype", "krb_principal"}}
    with pytest.raises(koji.GenericError, match="No user provided"):
        served.client().getUser()


def test_a_disabled_user_is_kept_out(served: Served, admin: Session) -> None:
    served.hub.accounts.add_user("mary", "mary")
    mary = served.login("mary")
    admin.disableUser("mary")
    with pytest.raises(koji.AuthError, match="logins by mary are not allowed"):
        mary.hello()
    with pytest.raises(koji.AuthError, match="logins by mary are not allowed"):
        served.login("mary")
    admin.enableUser("mary")
    assert served.login("mary").hello() == "Hello World"


def test_permissions_come_and_go(served: Served, admin: Session) -> None:
    served.hub.accounts.add_user("mary", "mary")
    mary = served.login("mary")
    with pytest.raises(koji.ActionNotAllowed, match="host permission required"):
        mary.addHost("h", ["x86_64"])
    admin.grantPermission("mary", "host")
    assert mary.addHost("h", ["x86_64"])
    assert (mary.getPerms(), mary.hasPerm("host"), mary.hasPerm("admin")) == (["host"], True, False)
    with pytest.raises(koji.GenericError, match="already has permission"):
        admin.grantPermission("mary", "host")
    admin.revokePermission("mary", "host")
    assert admin.getUserPerms("mary") == []
    with pytest.raises(koji.GenericError, match="does not have permission"):
        admin.revokePermission("mary", "host")


def test_a_new_permission(admin: Session) -> None:
    with pytest.raises(koji.GenericError):
        admin.grantPermission("admin", "brand-new")
    admin.grantPermission("admin", "brand-new", create=True, description="For a test.")
    assert admin.getAllPerms()[-1]["description"] == "For a test."
    with pytest.raises(koji.GenericError):
        admin.hasPerm("no-such", strict=True)


def test_a_group_gives_its_members_permissions(served: Served, admin: Session) -> None:
    served.hub.accounts.add_user("mary", "mary")
    group = admin.newGroup("team")
    admin.grantPermission("team", "repo")
    admin.addGroupMember("team", "mary")
    assert served.login("mary").hasPerm("repo") is True
    assert admin.getUserPerms("mary", with_groups=False) == []
    assert admin.getUserPermsInheritance("mary") == {"repo": ["team"]}
    assert admin.getUserGroups("mary") == [{"id": group, "name": "team"}]
    assert names(admin.getGroupMembers("team")) == ["mary"]
    assert names(admin.listUsers(perm="repo", inherited_perm=True)) == ["mary"]
    admin.dropGroupMember("team", "mary")
    assert admin.getUserPerms("mary") == []


def test_what_cannot_be_in_a_group(admin: Session) -> None:
    admin.newGroup("team")
    admin.newGroup("other")
    for group, user in (("team", "other"), ("team", "nobody"), ("admin", "admin")):
        with pytest.raises(koji.GenericError):
            admin.addGroupMember(group, user)
    admin.addGroupMember("team", "admin")
    with pytest.raises(koji.GenericError, match="already in group"):
        admin.addGroupMember("team", "admin")
    admin.addGroupMember("team", "admin", strict=False)


def test_list_users(served: Served, admin: Session) -> None:
    for name in ("mary", "martin"):
        admin.createUser(name)
    admin.newGroup("team")
    assert names(admin.listUsers()) == ["admin", "mary", "martin"]
    assert names(admin.listUsers(prefix="Mar", queryOpts={"order": "name"})) == ["martin", "mary"]
    assert names(admin.listUsers(userType=koji.USERTYPES["GROUP"])) == ["team"]
    assert admin.listUsers(userType=None, queryOpts={"countOnly": True}) == 4
    with pytest.raises(koji.GenericError):
        admin.listUsers(inherited_perm=True)


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


def test_a_channel_is_made_renamed_and_switched_off(admin: Session) -> None:
    channel = admin.addChannel("special", description="For a test.")
    with pytest.raises(koji.GenericError, match="already exists"):
        admin.addChannel("special")
    assert admin.editChannel("special", name="other", comment="!") is True
    assert admin.editChannel("other", comment="!") is False
    admin.renameChannel("other", "last")
    admin.disableChannel("last", comment="broken")
    expected = {
        "id": channel,
        "name": "last",
        "description": "For a test.",
        "enabled": False,
        "comment": "broken",
    }
    assert admin.getChannel("last") == expected
    assert expected in admin.listChannels(enabled=False)
    with pytest.raises(koji.GenericError, match=r"Channel last is disabled\."):
        admin.makeTask("sleep", [0], channel="last")
    with pytest.raises(koji.GenericError, match="No such channel"):
        admin.makeTask("sleep", [0], channel="nowhere")
    admin.enableChannel("last")
    assert admin.makeTask("sleep", [0], channel="last")


def test_hosts_in_channels(admin: Session) -> None:
    admin.addHost("b1", ["x86_64"])
    admin.addHostToChannel("b1", "fresh", create=True)
    before = admin.getLastEvent()["id"]
    with pytest.raises(koji.GenericError, match="already subscribed"):
        admin.addHostToChannel("b1", "fresh")
    admin.removeHostFromChannel("b1", "default")
    with pytest.raises(koji.GenericError, match="is not subscribed"):
        admin.removeHostFromChannel("b1", "default")
    assert names(admin.listChannels("b1")) == ["fresh"]
    assert names(admin.listChannels("b1", event=before)) == ["default", "fresh"]
    for host, channel in (("b1", "nowhere"), ("nobody", "fresh")):
        with pytest.raises(koji.GenericError, match="does not exist"):
            admin.addHostToChannel(host, channel)
    admin.disableChannel("vm")
    with pytest.raises(koji.GenericError, match="is disabled"):
        admin.addHostToChannel("b1", "vm")
    admin.addHostToChannel("b1", "vm", force=True)


def test_sessions_of_a_user(served: Served, admin: Session) -> None:
    served.hub.accounts.add_user("mary", "mary")
    mary = served.login("mary")
    mine = mary.getSessionInfo(details=True)
    assert (mine["id"], mine["hostip"]) == (mary.sinfo["session-id"], "127.0.0.1")
    assert [row["id"] for row in admin.getSessionInfo(details=True, user_id="mary")] == [mine["id"]]
    with pytest.raises(koji.ActionNotAllowed):
        mary.getSessionInfo(user_id="admin")
    assert served.client().getSessionInfo() is None
    assert "user mary" in mary.showSession()
    admin.logout(mine["id"])
    with pytest.raises(koji.AuthError):
        mary.hello()


def test_a_shared_session_lets_the_others_in(served: Served) -> None:
    served.hub.accounts.add_user("mary", "mary")
    first, second = served.login("mary"), served.login("mary")
    first.exclusiveSession()
    with pytest.raises(koji.AuthLockError):
        second.hello()
    first.sharedSession()
    assert second.hello() == "Hello World"
