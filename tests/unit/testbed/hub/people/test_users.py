"""Users, groups, permissions, hosts and channels, as the client's commands call them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import koji
import pytest

if TYPE_CHECKING:
    from tests.unit.testbed.hub.served import Served, Session


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
