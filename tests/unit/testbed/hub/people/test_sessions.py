"""Sessions: whose they are, and who is let in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import koji
import pytest

if TYPE_CHECKING:
    from tests.unit.testbed.hub.served import Served, Session


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
