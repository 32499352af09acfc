"""Policies that nobody has configured, and those that somebody has."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import koji
import pytest

from koji_adjutant.testbed.hub.people.policies import FILE

if TYPE_CHECKING:
    from tests.unit.testbed.hub.served import Served, Session


@pytest.fixture
def builder(served: Served) -> Session:
    return served.builder("b1")


def test_policies(served: Served, admin: Session, builder: Session) -> None:
    served.hub.accounts.add_user("mary", "mary")
    mary = admin.getUser("mary")["id"]
    builder.host.assertPolicy("build_rpm", {"user_id": mary})
    builder.host.assertPolicy("build_from_srpm", {"user_id": 1})
    with pytest.raises(koji.ActionNotAllowed, match=r"policy violation \(build_from_srpm\)"):
        builder.host.assertPolicy("build_from_srpm", {"user_id": mary})
    assert builder.host.checkPolicy("no_such_policy", {}) == [True, "missing policy"]
    assert builder.host.checkPolicy("build_from_scm", {"user_id": mary})[0] is False
    assert admin.evalPolicy("channel", {"req_channel": "vm"}) == "req"
    assert admin.evalPolicy("channel", {"parent": 1}) == "parent"
    assert builder.host.evalPolicy("channel", {}) == "use default"
    with pytest.raises(koji.GenericError, match="no such policy"):
        admin.evalPolicy("nonsense", {})


def test_rules_that_stand_in_the_hub_s_directory(served: Served, admin: Session) -> None:
    rules = ["match scm_host *.example.org :: allow use_common make sources", "all :: deny not from there"]
    file = served.hub.directory / FILE
    file.write_text(json.dumps({"build_from_scm": rules}))
    assert (
        admin.evalPolicy("build_from_scm", {"scm_host": "src.example.org"}) == "allow use_common make sources"
    )
    assert admin.evalPolicy("build_from_scm", {"scm_host": "example.com"}) == "deny not from there"
    assert admin.evalPolicy("channel", {"req_channel": "vm"}) == "req"
    file.unlink()
    assert admin.evalPolicy("build_from_scm", {"user_id": 1}) == "allow"
