"""One call: who makes it, and what he may."""

from __future__ import annotations

from typing import TYPE_CHECKING

import koji
import pytest

if TYPE_CHECKING:
    from tests.unit.testbed.hub.served import Served, Session


def test_all_changes_of_a_call_are_one_event(admin: Session) -> None:
    """A tag's configuration and its link to a parent are two rows of it."""
    admin.createTag("base")
    before = admin.getLastEvent()["id"]
    admin.createTag("dist", parent="base", arches="x86_64")
    assert admin.getLastEvent()["id"] == before + 1


def test_admin_is_every_permission_where_one_is_required_and_only_there(admin: Session) -> None:
    assert admin.hasPerm("repo") is False
    assert admin.createTag("dist")


def test_who_is_not_logged_in_is_told_so(served: Served) -> None:
    anonymous = served.client()
    with pytest.raises(koji.ActionNotAllowed, match=r"tag permission required \(user not logged in\)"):
        anonymous.createTag("dist")
    with pytest.raises(koji.AuthError, match="Not logged-in"):
        anonymous.host.getTasks()


def test_what_is_a_hosts_is_for_its_exclusive_session(served: Served, admin: Session) -> None:
    with pytest.raises(koji.AuthError, match="is not a host"):
        admin.host.getTasks()
    served.hub.accounts.add_host("b1", "b1")
    session = served.login("b1")
    with pytest.raises(koji.AuthError, match="requires an exclusive session"):
        session.host.getTasks()
    session.exclusiveSession()
    assert session.host.getTasks() == []
