"""Refusals: who is not given which task, and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.testbed.hub.tasks.given import given, task

if TYPE_CHECKING:
    from tests.unit.testbed.hub.served import Served, Session


def test_a_refused_task_goes_to_the_other_host(served: Served, admin: Session) -> None:
    one, two = served.builder("b1"), served.builder("b2")
    two.host.updateHost(0.0, False)
    refused = task(admin)
    assert given(one) == [refused]
    one.host.refuseTask(refused, soft=False, msg="no")
    assert given(one) == []
    two.host.updateHost(0.0, True)
    assert given(two) == [refused]


@pytest.mark.parametrize(("soft", "again"), [(True, True), (False, False)])
def test_only_a_soft_refusal_is_forgotten(served: Served, admin: Session, soft: bool, again: bool) -> None:
    builder = served.builder("b1")
    refused = task(admin)
    given(builder)
    builder.host.refuseTask(refused, soft=soft, msg="later")
    served.clock.now += 899
    builder.host.updateHost(0.0, True)
    assert given(builder) == []
    served.clock.now += 2
    builder.host.updateHost(0.0, True)
    assert given(builder) == ([refused] if again else [])


def test_a_noarch_build_bars_hosts_of_other_arches(served: Served, admin: Session) -> None:
    wrong, right = served.builder("b1", arches=("s390x",)), served.builder("b2", ready=False)
    admin.createTag("build", arches="x86_64")
    srpm = admin.makeTask("rebuildSRPM", ["a.src.rpm", "build", {"repo_id": 1}])
    assert given(wrong) == []
    right.host.updateHost(0.0, True)
    assert given(right) == [srpm]
