"""One look at the hub."""

from collections.abc import Iterator
from typing import Any

import koji
import pytest

from koji_adjutant.daemon.poll import Report, multicall, poll
from koji_adjutant.hub.session import HubSession, login, open_session
from tests.hubs import Hub

READY = Report(task_load=0.5, ready=True, methods=("sleep",), maxjobs=3)
NOT_READY = Report(task_load=0.5, ready=False, methods=("sleep",), maxjobs=3)


@pytest.fixture
def session(hub: Hub) -> Iterator[HubSession]:
    config = hub.config()
    made = open_session(config)
    login(made, config)
    yield made
    made.logout()


def test_one_request(hub: Hub, session: HubSession, mocker: Any) -> None:
    sent = mocker.spy(session.rsession, "post")
    task = hub.admin.makeTask("sleep", [1])
    seen = poll(session, session.host.getID(), READY, with_buildroots=True)
    assert sent.call_count == 2
    assert seen.buildroots() == []
    assert seen.open_tasks() == []
    assert seen.host()["name"] == "builder"
    seen.check_report()
    assert [(one["id"], one["method"]) for one in seen.assigned_tasks()] == [(task, "sleep")]
    known = hub.admin.getHost("builder")
    assert (known["task_load"], known["ready"]) == (0.5, True)


def test_repos_are_asked_for_in_the_same_request(hub: Hub, session: HubSession, mocker: Any) -> None:
    one, two, three = (hub.admin.createTag(name, arches="x86_64") for name in ("one", "two", "three"))
    host: Any = session.host
    made = {}
    for name, tag in (("one", one), ("three", three)):
        made[tag] = host.repoInit(name)[0]
        host.repoDone(made[tag], {})
    hub.admin.deleteTag(two)
    sent = mocker.spy(session.rsession, "post")
    seen = poll(session, session.host.getID(), READY, with_buildroots=True, tags=(one, two, three))
    assert sent.call_count == 2
    assert dict(seen.repos()) == made
    assert seen.open_tasks() == []


def test_channels_are_asked_for_in_the_same_request(hub: Hub, session: HubSession, mocker: Any) -> None:
    sent = mocker.spy(session.rsession, "post")
    hub.admin.addHostToChannel("builder", "images", create=True)
    seen = poll(session, session.host.getID(), READY, with_buildroots=False, with_channels=True)
    assert sent.call_count == 2
    assert seen.channels() == ("createrepo", "default", "images")
    assert poll(session, session.host.getID(), READY, with_buildroots=False).channels() is None


def test_who_is_not_ready_gets_no_task(hub: Hub, session: HubSession) -> None:
    task = hub.admin.makeTask("sleep", [1])
    seen = poll(session, session.host.getID(), NOT_READY, with_buildroots=False)
    assert seen.assigned_tasks() == []
    assert seen.buildroots() == []
    assert not hub.admin.getHost("builder")["ready"]
    assert hub.admin.getTaskInfo(task)["state"] == koji.TASK_STATES["FREE"]


def test_a_fault_of_one_call_is_of_that_call(session: HubSession) -> None:
    answers = multicall(
        session, [("echo", (1,), {}), ("getTag", ("none",), {"strict": True}), ("host.getID", (), {})]
    )
    assert answers.of("echo") == [1]
    assert answers.of("host.getID") == session.host.getID()
    with pytest.raises(koji.GenericError, match="none"):
        answers.of("getTag")


def test_a_lost_session_is_noticed(hub: Hub, session: HubSession) -> None:
    config = hub.config()
    other = open_session(config)
    login(other, config, force_lock=True)
    with pytest.raises(koji.AuthError):
        poll(session, 1, READY, with_buildroots=True)
    other.logout()
    session.forget()
